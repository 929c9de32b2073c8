import { hash } from '@auth-primer/auth-hash'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
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

const UserCreate = Type.Object(
  { email: Type.String({ format: 'email' }), password: Type.String({ minLength: 8 }) },
  { $id: 'UserCreate', additionalProperties: false },
)
const UserOut = Type.Object(
  { id: Type.Integer(), email: Type.String(), created_at: Timestamp },
  { $id: 'UserOut' },
)

/** Builds the service, with schemas that routes refer to by their IDs. */
export async function buildApp({ databaseUrl }: { databaseUrl: string }) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  app.addHook('onClose', () => knex.destroy())
  await app.register(swagger, { openapi: {} })
  app.addSchema(UserCreate)
  app.addSchema(UserOut)

  await app.register(async (users) => {
    users.post(
      '/users',
      { schema: { body: { $ref: 'UserCreate#' }, response: { 201: { $ref: 'UserOut#' } } } },
      async (request, reply) => {
        const { email, password } = request.body as Static<typeof UserCreate>
        const user = await User.query(knex)
          .insert({ email, password: await hash(password) })
          .returning('*')
        reply.code(201)
        return user
      },
    )
  })

  return app
}
