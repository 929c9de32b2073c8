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
    const [user] = await db('users').insert({ email: body.email, password: NO_PASSWORD }).returning('id')
    // The mistake: committing after each step, as with SQLAlchemy. A later error can no longer undo this step.
    await db.commit()
    const [post] = await db('posts')
      .insert({ owner_id: user.id, title: body.title, content: body.content })
      .onConflict('title')
      .ignore()
      .returning('id')
    if (post === undefined) return reply.code(409).send({ detail: 'A post with this title exists already.' })
    return reply.code(201).send({ user: user.id, post: post.id })
  })

  return app
}
