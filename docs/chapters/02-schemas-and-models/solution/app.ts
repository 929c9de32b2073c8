import { hash } from '@auth-primer/auth-hash'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { Knex } from 'knex'
import { Model } from 'objection'

// #region model
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
// #endregion

// #region schemas
/** A `Date` in the code, ISO 8601 on the wire. */
const Timestamp = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })

/** What a client sends. What is not named here is dropped before the handler. */
const UserCreate = Type.Object(
  { email: Type.String({ format: 'email' }), password: Type.String({ minLength: 8 }) },
  { additionalProperties: false },
)

/** What a client is shown. What is not named here cannot leave. */
const UserOut = Type.Object({ id: Type.Integer(), email: Type.String(), created_at: Timestamp })
// #endregion

/** The service, ready to listen or to be asked. */
export async function buildApp(knex: Knex) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  await app.register(swagger, { openapi: {} })

  // #region route
  app.post('/users', { schema: { body: UserCreate, response: { 201: UserOut } } }, async (request, reply) => {
    const { email, password } = request.body
    const row = { email, password: await hash(password) }
    const user = await User.query(knex).insert(row).returning('*')
    return reply.code(201).send(user)
  })
  // #endregion

  return app
}
