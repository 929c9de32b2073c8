import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { hangUpOf } from '../hang-up.ts'
import { User } from '../models/user.ts'
import { Problem } from '../problem.ts'
import { IdParams } from '../schemas/common.ts'
import { BODY, PATH, problems, TOKEN, WRITE } from '../schemas/problem.ts'
import { UserCreate, UserOut } from '../schemas/user.ts'

const users: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/users',
    {
      schema: {
        operationId: 'createUser',
        tags: ['Users'],
        summary: 'Sign up',
        body: UserCreate,
        response: { 201: UserOut, ...problems(...BODY, ...WRITE, 'EMAIL_TAKEN') },
      },
    },
    async (request, reply) => {
      const { email, password } = request.body
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
        security: [{ login: [] }],
        response: { 200: UserOut, ...problems(...TOKEN) },
      },
    },
    async (request) => request.caller,
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
        security: [{ login: [] }],
        params: IdParams,
        response: { 200: UserOut, ...problems(...TOKEN, ...PATH, 'NOT_FOUND') },
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
