import { dbSession } from '@auth-primer/db-session'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import knexModule from 'knex'

export interface AppOptions {
  readonly databaseUrl: string
  /** How many connections the pool opens at most. @default 10 */
  readonly maxConnections?: number
}

const SignUp = Type.Object(
  { email: Type.String(), title: Type.String(), content: Type.String() },
  { additionalProperties: false },
)

// No password matches this, so nobody can log in yet. Chapter 05 stores a hash instead.
const NO_PASSWORD = '!'

/** Signs up a user together with a first post. Both are stored, or neither is. */
export async function buildApp({ databaseUrl, maxConnections = 10 }: AppOptions) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: maxConnections } })
  await app.register(dbSession, { knex, closePools: true })

  app.post('/users', { schema: { body: SignUp } }, async ({ body, db }, reply) => {
    // Your turn: insert the user (with NO_PASSWORD), then the post. If the title is taken, reply with 409 and store nothing.
    const detail = `Storing ${body.email} is not implemented yet (session mode: ${db.mode}, password: ${NO_PASSWORD})`
    return reply.code(501).send({ detail })
  })

  return app
}
