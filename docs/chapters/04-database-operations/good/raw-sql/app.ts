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

/** In SQL, with one placeholder per value. */
export async function buildApp({ databaseUrl, maxConnections = 10 }: AppOptions) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: maxConnections } })
  await app.register(dbSession, { knex, closePools: true })

  app.post('/users', { schema: { body: SignUp } }, async ({ body, db }, reply) => {
    const { email, title, content } = body
    const { rows: users } = await db.query(
      'INSERT INTO users (email, password) VALUES ($1, $2) RETURNING id',
      [email, NO_PASSWORD],
    )
    const { rows: posts } = await db.query(
      `INSERT INTO posts (owner_id, title, content) VALUES ($1, $2, $3)
       ON CONFLICT (title) DO NOTHING RETURNING id`,
      [users[0].id, title, content],
    )
    if (posts.length === 0)
      return reply.status(409).send({ detail: 'A post with this title exists already.' })
    reply.code(201)
    return { user: users[0].id, post: posts[0].id }
  })

  return app
}
