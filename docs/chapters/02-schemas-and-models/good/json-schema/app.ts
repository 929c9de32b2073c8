import { hash } from '@auth-primer/auth-hash'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import knexModule from 'knex'
import { Model } from 'objection'

/** A row of `users`. */
export class User extends Model {
  static override tableName = 'users'

  declare id: number
  declare email: string
  /** The hash, never the password. */
  declare password: string
  declare role: string
  declare created_at: Date
}

/** Without TypeBox: the schemas are JSON Schema already. */
const userCreate = {
  type: 'object',
  required: ['email', 'password'],
  additionalProperties: false,
  properties: { email: { type: 'string', format: 'email' }, password: { type: 'string', minLength: 8 } },
}
const userOut = {
  type: 'object',
  required: ['id', 'email', 'created_at'],
  properties: {
    id: { type: 'integer' },
    email: { type: 'string' },
    created_at: { type: 'string', format: 'date-time' },
  },
}

interface Body {
  email: string
  password: string
}

/** Builds the service. The caller decides if it listens on a port or receives injected requests. */
export async function buildApp({ databaseUrl }: { databaseUrl: string }) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  app.addHook('onClose', () => knex.destroy())
  await app.register(swagger, { openapi: {} })

  app.post(
    '/users',
    { schema: { body: userCreate, response: { '2xx': userOut } } },
    async (request, reply) => {
      const { email, password } = request.body as Body
      const user = await User.query(knex).insertAndFetch({ email, password: await hash(password) })
      return reply.status(201).send(user)
    },
  )

  return app
}
