import { resolve } from 'node:path'
import type { XrayOptions } from '@auth-primer/tool-xray'
import type { FastifyInstance } from 'fastify'
import { accessKit } from './access-kit.ts'
import type { AuthOptions } from './plugins/auth.ts'
import { createKnex, type DatabaseOptions } from './plugins/database.ts'
import { KEEPS_ANSWERING } from './plugins/pressure.ts'
import type { ProblemCode } from './problem.ts'

const A_DAY_MS = 24 * 60 * 60 * 1000

/** The problems whose `detail` is one of the code's own sentences. The others name a path, or quote what could not be read. */
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

/** Returns what X-ray has to know of this service. */
export function xrayOptions(app: FastifyInstance, options: AuthOptions & DatabaseOptions): XrayOptions {
  // Their signatures are right, and the service refuses them all the same.
  const kits = {
    expired: accessKit(options, { now: () => Date.now() - 365 * A_DAY_MS }),
    'other-issuer': accessKit(options, { issuer: 'another-service' }),
  }
  return {
    knex: app.knex,
    createPool: (max) => createKnex(options.databaseUrl, max),
    callerChannel: 'auth-primer:social-api:caller',
    safeDetails: SAFE_DETAILS,
    errorPages: resolve(import.meta.dirname, '../../../docs/errors'),
    routeConfig: { ...KEEPS_ANSWERING, throttle: false, cors: false },
    tokenBench: {
      // Looked up per request: the plugin that decorates the app with it is registered later.
      async authenticate(request, reply) {
        for (const hook of app.authenticate) await hook.call(app, request, reply)
      },
      sign(flaw, { caller: { id, role } }) {
        return kits[flaw].access.sign({ sub: String(id), user_id: id, role })
      },
    },
  }
}
