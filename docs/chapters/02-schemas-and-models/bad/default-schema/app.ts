import { hash } from '@auth-primer/auth-hash'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
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

/** A `Date` in the code, a string in ISO 8601 format in JSON. */
const Timestamp = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })

/** The request body. Other properties are dropped before the handler runs. */
const UserCreate = Type.Object(
  { email: Type.String({ format: 'email' }), password: Type.String({ minLength: 8 }) },
  { additionalProperties: false },
)

/** The response. Other properties of the row are never sent. */
const UserOut = Type.Object({ id: Type.Integer(), email: Type.String(), created_at: Timestamp })

/** Builds the service. The caller decides if it listens on a port or receives injected requests. */
export async function buildApp({ databaseUrl }: { databaseUrl: string }) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  app.addHook('onClose', () => knex.destroy())
  await app.register(swagger, { openapi: {} })

  // The mistake: `default` means every status, so the reply to an error must be a user, too, and becomes a 500.
  app.post(
    '/users',
    { schema: { body: UserCreate, response: { default: UserOut } } },
    async (request, reply) => {
      const { email, password } = request.body
      const row = { email, password: await hash(password) }
      const user = await User.query(knex).insert(row).returning('*')
      return reply.code(201).send(user)
    },
  )

  return app
}
