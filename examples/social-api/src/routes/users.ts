import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { limitLoginAttempts, limitSignUps } from '../auth/login-limiter.ts'
import { hangUpOf } from '../hang-up.ts'
import { User } from '../models/user.ts'
import { Problem } from '../problem.ts'
import { IdParams } from '../schemas/common.ts'
import { BODY, PATH, problems, TOKEN, WRITE } from '../schemas/problem.ts'
import { CreatedUser, PasswordChange, UserCreate, UserOut } from '../schemas/user.ts'

const users: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/users',
    {
      schema: {
        operationId: 'createUser',
        tags: ['Users'],
        summary: 'Sign up',
        description:
          'Makes a user. The password is hashed before it is stored, so that nobody, the service included, can read it again.',
        body: UserCreate,
        response: { 201: CreatedUser, ...problems(...BODY, ...WRITE, 'EMAIL_TAKEN') },
      },
    },
    async (request, reply) => {
      const { email, password } = request.body
      await limitSignUps(request)
      // Hashed before the first query: nothing waits for bcrypt with a connection in its hands.
      const hash = await app.hasher.hash(password, { signal: hangUpOf(reply) })
      const user = await User.create(request.db, { email, password: hash })
      if (user === undefined) throw new Problem('EMAIL_TAKEN', 'Somebody has signed up with this e-mail.')
      return reply.code(201).header('location', `/users/${user.id}`).send(user)
    },
  )

  app.get(
    '/users/me',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'getMe',
        tags: ['Users'],
        summary: 'Who am I?',
        description: 'The user whose token it is: the shortest way to see whether a token works.',
        security: [{ login: [] }],
        response: { 200: UserOut, ...problems(...TOKEN) },
      },
    },
    async (request) => request.caller,
  )

  app.put(
    '/users/me/password',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'changePassword',
        tags: ['Users'],
        summary: 'Change my password',
        description: 'Every token of yours ends, this one too: log in with the new password.',
        security: [{ login: [] }],
        body: PasswordChange,
        response: {
          204: Type.Null({ description: 'Changed.' }),
          ...problems(...TOKEN, ...BODY, ...WRITE, ['INVALID_CREDENTIALS', 'The current password is wrong.']),
        },
      },
    },
    async (request, reply) => {
      const { caller, db } = request
      const { current_password, new_password } = request.body
      const signal = hangUpOf(reply)
      const owner = await limitLoginAttempts(request, caller.email, async (slot) => {
        const { ok } = await app.hasher.verify({
          password: current_password,
          hash: caller.password,
          signal,
          place: slot,
        })
        return ok ? caller : undefined
      })
      if (owner === undefined) throw new Problem('INVALID_CREDENTIALS', 'The current password is wrong.')
      const hash = await app.hasher.hash(new_password, { signal })

      // Locked first: a log-in with the old password is over by now, and its tokens end with the others, or it waits.
      const user = await User.lock(db, caller, 'update')
      if (user === undefined)
        throw new Problem('CONFLICT', 'The password was changed by another request just now.')
      await app.refreshTokens.endAll(db, user)
      await user.$query(db).patch({ password: hash, password_changed_at: new Date() })
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/users/:id',
    {
      onRequest: app.authenticate,
      config: { db: { mode: 'read' } },
      schema: {
        operationId: 'getUser',
        tags: ['Users'],
        summary: 'One user',
        description:
          'Anybody with a token may look anybody up. What is shown never has a password or its hash.',
        security: [{ login: [] }],
        params: IdParams,
        response: { 200: UserOut, ...problems(...TOKEN, ...PATH, ['NOT_FOUND', 'No user has the id 4711.']) },
      },
    },
    async (request) => {
      const { id } = request.params
      const user = await User.query(request.db).findById(id)
      if (user === undefined) throw new Problem('NOT_FOUND', `No user has the id ${id}.`)
      return user
    },
  )
}

export default users
