import { prepareDatabase } from '@auth-primer/migrations'
import { siteIn } from '@auth-primer/tool-guide'
import { attachPostgres, loadOrCreateSecret } from '@auth-primer/tool-postgres'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { createMetricsServer } from '../platform/metrics.ts'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { DEMO_USERS } from './demo/data.ts'
import { seed } from './demo/seed.ts'

export interface Service {
  readonly app: FastifyInstance
  /** Finishes the requests in flight, and then releases the port, the pool and, last, Postgres. */
  stop(): Promise<void>
}

/** Starts the service: first the database and its tables, last the port, so that every client is served. */
export async function start(config: Config, log: Logger, { buildsSite = false } = {}): Promise<Service> {
  const cleanups: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp()
  }
  try {
    const isEmbedded = config.databaseUrl === undefined
    const databaseUrl = config.databaseUrl ?? (await startPostgres())
    await prepareDatabase(databaseUrl, {
      mayMigrate: !config.production,
      log: (message) => log.info(message),
      seed: isEmbedded ? seed : undefined,
    })
    const metrics = config.metricsPort === undefined ? undefined : new Registry()
    if (metrics)
      log.info(
        `Metrics: ${await listen(createMetricsServer(metrics), config.metricsPort, 'METRICS_PORT')}/metrics`,
      )

    const site = siteIn(config.siteDir)
    const xrayKey = config.xray ? (await loadOrCreateSecret(config.dataDir, 'xray-key')).secret : undefined
    const app = await buildApp({
      ...config,
      loggerInstance: log,
      databaseUrl,
      jwtSecret: config.jwtSecret ?? (await loadSecret()),
      hasDemoData: isEmbedded,
      behindTls: config.production,
      metrics,
      site,
      xrayKey,
    })
    const url = await listen(app, config.port, 'PORT')
    log.info(`Swagger UI: ${url}/docs`)
    if (xrayKey !== undefined)
      log.info(`X-ray, which shows what happens within each request: ${url}/xray?key=${xrayKey}`)
    if (isEmbedded)
      log.info(`Log in as ${DEMO_USERS[0]?.email}: ${url}/ lists the demo users and their password`)
    if (buildsSite && !config.production) {
      cleanups.push(() => site.stop())
      void site.build(log)
    }
    return { app, stop }
  } catch (error) {
    await stop()
    throw error
  }

  async function startPostgres(): Promise<string> {
    const postgres = await attachPostgres({ dir: config.dataDir, log: (message) => log.info(message) })
    cleanups.push(() => postgres.leave())
    return postgres.url
  }

  async function loadSecret(): Promise<string> {
    const { secret, file } = await loadOrCreateSecret(config.dataDir, 'jwt-secret')
    log.info(`JWT_SECRET is not set: tokens are signed with the secret in ${file}`)
    return secret
  }

  async function listen(app: FastifyInstance, port = 0, variable: string): Promise<string> {
    cleanups.push(() => app.close())
    try {
      return await app.listen({ host: config.host, port })
    } catch (cause) {
      const { message } = cause as Error
      throw new Error(
        `Cannot serve on ${config.host}:${port} (${message}). Set HOST or ${variable} to another.`,
        { cause },
      )
    }
  }
}
