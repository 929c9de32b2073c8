import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { disconnectSignal } from '../../platform/overload.ts'
import { getClientNetwork } from '../../platform/rate-limit.ts'
import { limitLoginAttempts, limitSignUps } from '../auth/login-limiter.ts'
import { RefreshFamily } from '../auth/model.ts'
import { verifyCredentials } from '../auth/passwords.ts'
import { authenticate } from '../auth/tokens.ts'
import { Problem } from '../problem.ts'
import { User } from './model.ts'
import { changePassword, createUser, getMe, getUser } from './schemas.ts'

export const users: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/users', { schema: createUser }, async (request, reply) => {
    const { email, password } = request.body
    await limitSignUps(request)
    // Hashed before the first query, so that no connection is held in the meantime.
    const signal = disconnectSignal(reply)
    const hash = await app.hasher.hash(password, { signal, key: getClientNetwork(request) })
    const user = await User.create(request.db, { email, password: hash })
    if (user === undefined) throw new Problem('EMAIL_TAKEN')
    return reply.code(201).header('location', `/users/${user.id}`).send(user)
  })

  app.get('/users/me', { onRequest: authenticate, schema: getMe }, async ({ caller }) => caller)

  app.put(
    '/users/me/password',
    { onRequest: authenticate, schema: changePassword },
    async (request, reply) => {
      const { caller, db, body } = request
      const signal = disconnectSignal(reply)
      const owner = await limitLoginAttempts(request, caller.email, (slot) =>
        verifyCredentials(app, caller.email, body.current_password, { signal, slot }),
      )
      if (owner === undefined) throw new Problem('INVALID_CREDENTIALS', 'The current password is wrong.')
      const hash = await app.hasher.hash(body.new_password, { signal, key: getClientNetwork(request) })

      // Locks first: a login with the old password is either complete, and its tokens end too, or it waits and fails.
      const user = await User.lock(db, caller, 'update')
      if (user === undefined) throw new Problem('CONFLICT', 'Another request has just changed the password.')
      await RefreshFamily.query(db).where({ user_id: user.id }).delete()
      await user.$query(db).patch({ password: hash, password_changed_at: new Date() })
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/users/:id',
    { onRequest: authenticate, config: { db: { mode: 'read' } }, schema: getUser },
    async ({ db, params: { id } }) => {
      const user = await User.query(db).findById(id)
      if (user === undefined) throw new Problem('NOT_FOUND', `No user has the id ${id}.`)
      return user
    },
  )
}
