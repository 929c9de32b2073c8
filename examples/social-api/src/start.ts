import { prepareDatabase } from '@auth-primer/migrations'
import { createSite } from '@auth-primer/tool-guide'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { createMetricsServer } from '../platform/metrics.ts'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { DEMO_USERS } from './demo/data.ts'
import { provideForLearning } from './demo/learning.ts'
import { seed } from './demo/seed.ts'

export type Service = Awaited<ReturnType<typeof start>>

/**
 * Starts the service: first the database and its tables, last the port, so that every client is served. `stop` ends the build of
 * the guide and finishes the requests in flight. Then it releases the port, the pool and, last, Postgres.
 */
export async function start(config: Config, log: Logger, { buildsSite = false } = {}) {
  const { host, port, metricsPort, production } = config
  const site = createSite(config.siteDir)
  const cleanups: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const cleanUp of [...cleanups.splice(0), site.stop].reverse()) await cleanUp()
  }
  const listen = async (app: FastifyInstance, port = 0, variable: string): Promise<string> => {
    cleanups.push(() => app.close())
    return app.listen({ host, port }).catch((cause: Error) => {
      const problem = `Cannot listen on ${host}:${port} (${cause.message}).`
      throw new Error(`${problem} Set HOST or ${variable} to another value.`, { cause })
    })
  }
  try {
    if (buildsSite && !production) void site.build(log)
    const provided = await provideForLearning(config, log, cleanups)
    const { databaseUrl, xrayKey, hasDemoData } = provided
    await prepareDatabase(databaseUrl, {
      mayMigrate: !production,
      log: (message) => log.info(message),
      seed: hasDemoData ? seed : undefined,
    })
    const metrics = metricsPort === undefined ? undefined : new Registry()
    if (metrics)
      log.info(`Metrics: ${await listen(createMetricsServer(metrics), metricsPort, 'METRICS_PORT')}/metrics`)

    const app = await buildApp({
      ...config,
      ...provided,
      loggerInstance: log,
      behindTls: production,
      metrics,
      site,
    })
    const url = await listen(app, port, 'PORT')
    log.info(`Swagger UI: ${url}/docs`)
    if (xrayKey) log.info(`X-ray shows what happens inside each request: ${url}/xray?key=${xrayKey}`)
    if (hasDemoData) log.info(`Log in as ${DEMO_USERS[0]?.email}: the password is on ${url}/`)
    return { app, stop, ...provided }
  } catch (error) {
    await stop()
    throw error
  }
}
