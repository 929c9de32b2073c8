import { dbSession } from '@auth-primer/db-session'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import knexModule from 'knex'
import { Model } from 'objection'

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

class User extends Model {
  static override tableName = 'users'

  declare id: number
  declare email: string
  declare password: string
}

class Post extends Model {
  static override tableName = 'posts'

  declare id: number
  declare owner_id: number
  declare title: string
  declare content: string
}

/** Through models, and with an error instead of a reply. */
export async function buildApp({ databaseUrl, maxConnections = 10 }: AppOptions) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: maxConnections } })
  await app.register(dbSession, { knex, closePools: true })

  app.post('/users', { schema: { body: SignUp } }, async ({ body, db }, reply) => {
    const { email, title, content } = body
    const user = await User.query(db).insert({ email, password: NO_PASSWORD })
    const post = await Post.query(db)
      .insert({ owner_id: user.id, title, content })
      .onConflict('title')
      .ignore()
      .returning('*')
    if (!post?.id)
      throw Object.assign(new Error('A post with this title exists already.'), { statusCode: 409 })
    return reply.code(201).send({ user: user.id, post: post.id })
  })

  return app
}
