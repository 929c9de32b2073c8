import { hash } from '@auth-primer/auth-hash'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import knexModule from 'knex'

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

  app.post('/users', { schema: { body: UserCreate, response: { 201: UserOut } } }, async (request, reply) => {
    const { email, password } = request.body
    const { rows } = await knex.raw(
      'INSERT INTO users (email, password) VALUES (?, ?) RETURNING id, email, created_at',
      [email, await hash(password)],
    )
    return reply.code(201).send(rows[0])
  })

  return app
}
