import { attachPostgres, loadOrCreateSecret } from '@auth-primer/tool-postgres'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'

/**
 * Provides what the configuration leaves out, so that `npm start` needs none: a Postgres, the secret that signs tokens, and
 * X-ray's key. All are kept in `dataDir`. Production requires the first two, and has no X-ray.
 *
 * @param cleanups receives the functions that release them.
 */
export async function provideForLearning(
  { databaseUrl, jwtSecret, dataDir, xray }: Config,
  log: Logger,
  cleanups: (() => Promise<unknown>)[],
) {
  return {
    databaseUrl: databaseUrl ?? (await startPostgres()),
    jwtSecret: jwtSecret ?? (await loadSecret()),
    xrayKey: xray ? (await loadOrCreateSecret(dataDir, 'xray-key')).secret : undefined,
    hasDemoData: databaseUrl === undefined,
  }

  async function startPostgres(): Promise<string> {
    const postgres = await attachPostgres({ dir: dataDir, log: (message) => log.info(message) })
    cleanups.push(() => postgres.leave())
    return postgres.url
  }

  async function loadSecret(): Promise<string> {
    const { secret, file } = await loadOrCreateSecret(dataDir, 'jwt-secret')
    log.info(`JWT_SECRET is not set: tokens are signed with the secret in ${file}`)
    return secret
  }
}
