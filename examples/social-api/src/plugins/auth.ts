import { channel } from 'node:diagnostics_channel'
import authHash from '@auth-primer/auth-hash/fastify'
import type { Static } from '@sinclair/typebox'
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import { accessKit } from '../access-kit.ts'
import { hashingLimits } from '../limits.ts'
import { User } from '../models/user.ts'
import { INVALID_TOKEN, Problem } from '../problem.ts'
import type { TokenOut } from '../schemas/token.ts'
import { mayPrecedePassword } from '../token-age.ts'

export interface AuthOptions {
  jwtSecret: string
  accessTokenTtl: string
  bcryptCost: number
}

/** Published once a token has a user: `{ id, role }`. */
const known = channel('auth-primer:social-api:caller')

/** Who is asking: passwords are hashed and tokens signed here, and `app.authenticate` guards a route with a token. */
export default fp<AuthOptions>(async (app, { jwtSecret, accessTokenTtl, bcryptCost }) => {
  await app.register(authHash, hashingLimits(bcryptCost))
  const kit = accessKit({ jwtSecret, accessTokenTtl })
  await app.register(kit.plugin)
  app.decorate('issueToken', ({ id, role }: User) => ({
    access_token: kit.access.sign({ sub: String(id), user_id: id, role }),
    token_type: 'bearer' as const,
    expires_in: kit.access.ttl,
  }))

  const callers = new WeakMap<object, User>()
  app.decorateRequest('caller', {
    getter() {
      const caller = callers.get(this)
      if (caller === undefined)
        throw new Error('request.caller needs `onRequest: app.authenticate` on the route')
      return caller
    },
  })
  app.decorate('authenticate', [
    kit.access.guard(),
    async (request: FastifyRequest) => {
      const { sub, user_id, iat } = kit.access.of(request)
      const caller = sub === String(user_id) ? await User.findCaller(app.knex, user_id) : undefined
      if (caller === undefined || mayPrecedePassword(iat, caller)) {
        const reason = caller
          ? 'The password was changed after this token was issued.'
          : 'The user of this token is gone.'
        throw new Problem('TOKEN_INVALID', reason, { headers: INVALID_TOKEN })
      }
      callers.set(request, caller)
      if (known.hasSubscribers) known.publish({ id: caller.id, role: caller.role })
      // This request's own, and always one of pino's: a child of it would cost ten times as much.
      const log = request.log as Logger
      log.setBindings({ user: caller.id })
    },
  ])
})

declare module 'fastify' {
  interface FastifyInstance {
    issueToken(user: User): Omit<Static<typeof TokenOut>, 'refresh_token'>
    /** The `onRequest` of a route for those with a token: settled before its body and parameters are looked at. */
    authenticate: onRequestAsyncHookHandler[]
  }
  interface FastifyRequest {
    /** The user who is asking, as the database knows them now. */
    readonly caller: User
  }
}
