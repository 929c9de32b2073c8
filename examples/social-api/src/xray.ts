import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { defaultDataDir } from '@auth-primer/tool-postgres'
import type { ServiceDescription, XrayOptions } from '@auth-primer/tool-xray'
import type { FastifyInstance } from 'fastify'
import { createKnex, type DatabaseConfig } from '../platform/database.ts'
import { EXEMPT_FROM_PRESSURE } from '../platform/overload.ts'
import { authenticate, CALLER_CHANNEL, createAccessTokens, type TokenConfig } from './auth/tokens.ts'
import type { ProblemCode } from './problem.ts'

/** What X-ray's page calls this service's operations. */
const SERVICE = new URL(import.meta.resolve('@auth-primer/social-api/assets/xray.json'))

const YEAR_MS = 365 * 24 * 60 * 60 * 1000

/** The problems whose `detail` is always a sentence of the service's own. The others name a path, or quote the client. */
const SAFE_DETAILS: ProblemCode[] = [
  'TOKEN_INVALID',
  'NOT_AUTHENTICATED',
  'INVALID_CREDENTIALS',
  'NOT_OWNER',
  'EMAIL_TAKEN',
  'ALREADY_VOTED',
  'CONFLICT',
  'TOO_MANY_REQUESTS',
  'OVERLOADED',
  'DATABASE_UNAVAILABLE',
  'COMMIT_OUTCOME_UNKNOWN',
  'INTERNAL',
]

export interface XrayConfig extends TokenConfig, DatabaseConfig {
  /** X-ray's key. Never set it in production, nor behind a proxy. @default there is no X-ray */
  readonly xrayKey?: string | undefined
}

/** Returns what X-ray has to know about this service. */
export function xrayOptions(app: FastifyInstance, key: string, config: XrayConfig): XrayOptions {
  // Their signatures are right, but the service rejects them.
  const flawed = {
    expired: createAccessTokens(config, { now: () => Date.now() - YEAR_MS }),
    'other-issuer': createAccessTokens(config, { issuer: 'another-service' }),
  }
  return {
    key,
    knex: app.knex,
    createPool: (max) => createKnex(config.databaseUrl, max),
    callerChannel: CALLER_CHANNEL,
    safeDetails: SAFE_DETAILS,
    errorPages: resolve(defaultDataDir({}), '../docs/errors'),
    routeConfig: { ...EXEMPT_FROM_PRESSURE, rateLimit: false, cors: false },
    tokenBench: {
      authenticate,
      sign: (flaw, { caller: { id, role } }) =>
        flawed[flaw].access.sign({ sub: String(id), user_id: id, role }),
    },
    service: JSON.parse(readFileSync(SERVICE, 'utf8')) as ServiceDescription,
  }
}
