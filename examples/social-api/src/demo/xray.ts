import { renderHeader } from '@auth-primer/tool-header'
import type { XrayOptions } from '@auth-primer/tool-xray'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { readAsset } from '../../platform/openapi.ts'
import { EXEMPT_FROM_PRESSURE } from '../../platform/overload.ts'
import { authenticate, CALLER_CHANNEL, createAccessTokens, type TokenConfig } from '../auth/tokens.ts'
import { DEMO_PASSWORD, DEMO_USERS } from './data.ts'
import { reset } from './reset.ts'

const YEAR_MS = 365 * 24 * 60 * 60 * 1000

interface XrayConfig extends TokenConfig {
  /** True if the demo users exist, and all data may be replaced by the demo data. */
  readonly hasDemoData: boolean
}

/** Creates X-ray's options for this service. */
export async function createXrayOptions(
  app: FastifyInstance,
  key: string,
  config: XrayConfig,
): Promise<XrayOptions> {
  // The names of the operations, and the problems whose `detail` names no path and does not quote the client.
  const { safeDetails, ...service } = JSON.parse(await readAsset('xray.json'))
  const demoUsers = { password: DEMO_PASSWORD, users: DEMO_USERS.map(({ email, role }) => ({ email, role })) }
  // Their signatures are right, but the service rejects them.
  const flawed = {
    expired: createAccessTokens(config, { now: () => Date.now() - YEAR_MS }),
    'other-issuer': createAccessTokens(config, { issuer: 'another-service' }),
  }
  return {
    key,
    header: `<link rel="stylesheet" href="/header.css"><script src="/header.js"></script>${renderHeader('xray')}`,
    safeDetails,
    service: { ...service, ...(config.hasDemoData && { demoUsers }) },
    knex: app.knex,
    tables: [
      { name: 'users', key: ['id'] },
      { name: 'posts', key: ['id'] },
      { name: 'votes', key: ['user_id', 'post_id'] },
    ],
    ...(config.hasDemoData && { reset: () => reset(app.knex) }),
    callerChannel: CALLER_CHANNEL,
    // @fastify/cors reads `cors`, but does not declare it.
    routeConfig: { ...EXEMPT_FROM_PRESSURE, rateLimit: false, cors: false } as FastifyContextConfig,
    tokenBench: {
      authenticate,
      sign: (flaw, { caller: { id, role } }) =>
        flawed[flaw].access.sign({ sub: String(id), user_id: id, role }),
    },
  }
}
