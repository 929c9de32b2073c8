import { migrateToLatest, pendingMigrations } from '@auth-primer/migrations'
import { siteIn } from '@auth-primer/tool-guide'
import { attachPostgres } from '@auth-primer/tool-postgres'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { DEMO_USERS } from './demo/data.ts'
import { seed } from './demo/seed.ts'
import { createKnex } from './plugins/database.ts'
import metrics from './routes/metrics.ts'
import { loadOrCreateSecret } from './secret.ts'
import { StartError } from './start-error.ts'

export interface Service {
  readonly app: FastifyInstance
  /** Finishes what is in flight, and lets go of the port, of the pool and, last, of Postgres. */
  stop(): Promise<void>
}

/** Starts the service: a database, its tables, and last the port, so that who reaches it is served. */
export async function start(
  config: Config,
  log: Logger,
  { buildsSite = false }: { buildsSite?: boolean } = {},
): Promise<Service> {
  const undo: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const isEmbedded = config.databaseUrl === undefined
    const databaseUrl = config.databaseUrl ?? (await embeddedPostgres(config, log, undo))
    await prepareDatabase(databaseUrl, config, log, isEmbedded)

    const registry = config.metricsPort === undefined ? undefined : await serveMetrics(config, log, undo)
    const site = siteIn(config.siteDir)
    const xrayKey = config.xray ? (await loadOrCreateSecret(config.dataDir, 'xray-key')).secret : undefined
    const app = await buildApp({
      loggerInstance: log,
      databaseUrl,
      poolMax: config.poolMax,
      limits: config.limits,
      jwtSecret: config.jwtSecret ?? (await secretOfThisCheckout(config, log)),
      accessTokenTtl: config.accessTokenTtl,
      refreshTokenTtl: config.refreshTokenTtl,
      refreshFamilyTtl: config.refreshFamilyTtl,
      bcryptCost: config.bcryptCost,
      corsOrigins: config.corsOrigins,
      trustProxy: config.trustProxy,
      throttles: config.throttles,
      hasDemoData: isEmbedded,
      site,
      behindTls: config.production,
      xrayKey,
      ...(registry && { metrics: registry }),
    })
    undo.push(() => app.close())
    const url = await listen(app, config.host, config.port, 'PORT')
    log.info(`Swagger UI: ${url}/docs`)
    if (xrayKey !== undefined)
      log.info(`X-ray, which shows what happens within each request: ${url}/xray?key=${xrayKey}`)
    if (isEmbedded)
      log.info(`Log in as ${DEMO_USERS[0]?.email}: ${url}/ lists the demo users and their password`)
    if (buildsSite && !config.production) {
      undo.push(() => site.stop())
      void site.build(log)
    }
    return { app, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function embeddedPostgres(
  config: Config,
  log: Logger,
  undo: (() => Promise<unknown>)[],
): Promise<string> {
  const postgres = await attachPostgres({ dir: config.dataDir, log: (message) => log.info(message) })
  undo.push(() => postgres.leave())
  return postgres.url
}

async function prepareDatabase(
  url: string,
  config: Config,
  log: Logger,
  withDemoData: boolean,
): Promise<void> {
  // Migrating takes a few connections of its own, whatever the size of the service's pool.
  const knex = createKnex(url, 4)
  try {
    if (config.production) {
      const pending = await pendingMigrations(knex)
      if (pending.length > 0) {
        throw new StartError(
          `${pending.length} migrations are pending (${pending.join(', ')}). Run \`npm run db:migrate\` first.`,
        )
      }
      return
    }
    const names = await migrateToLatest(knex)
    if (names.length > 0) log.info(`Migrated the database: ${names.join(', ')}`)
    if (withDemoData && !(await knex('users').first('id')) && (await seed(knex))) {
      log.info('Put the demo data into the empty database')
    }
  } catch (error) {
    throw StartError.ofDatabase(error, url)
  } finally {
    await knex.destroy()
  }
}

async function secretOfThisCheckout({ dataDir }: Config, log: Logger): Promise<string> {
  const { secret, file, isNew } = await loadOrCreateSecret(dataDir, 'jwt-secret')
  log.info(
    `JWT_SECRET is not set: tokens are signed with the one ${isNew ? 'just made and kept' : 'kept'} in ${file}`,
  )
  return secret
}

/** On a port of its own, which no proxy passes clients on to, and where neither throttles nor a full queue get in the way. */
async function serveMetrics(
  { host, metricsPort = 0 }: Config,
  log: Logger,
  undo: (() => Promise<unknown>)[],
): Promise<Registry> {
  const registry = new Registry()
  const app = Fastify()
  await app.register(metrics, { registry })
  undo.push(() => app.close())
  const url = await listen(app, host, metricsPort, 'METRICS_PORT')
  log.info(`Metrics: ${url}/metrics`)
  return registry
}

async function listen(
  app: FastifyInstance,
  host: string,
  port: number,
  variable: 'PORT' | 'METRICS_PORT',
): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (error) {
    throw StartError.ofListening(error, host, port, variable)
  }
}
