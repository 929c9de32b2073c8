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

/** Both rows in one statement of SQL. */
export async function buildApp({ databaseUrl, maxConnections = 10 }: AppOptions) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: maxConnections } })
  await app.register(dbSession, { knex, closePools: true })

  app.post('/users', { schema: { body: SignUp } }, async ({ body, db }, reply) => {
    const { rows } = await db.raw(
      `WITH new_user AS (INSERT INTO users (email, password) VALUES (:email, :password) RETURNING id)
       INSERT INTO posts (owner_id, title, content) SELECT id, :title, :content FROM new_user
       ON CONFLICT (title) DO NOTHING RETURNING id, owner_id`,
      { ...body, password: NO_PASSWORD },
    )
    const [post] = rows
    if (post === undefined) return reply.code(409).send({ detail: 'A post with this title exists already.' })
    return reply.code(201).send({ user: post.owner_id, post: post.id })
  })

  return app
}
