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

/** Looks for the title first. If two requests look at once, the unique index rejects one of them. */
export async function buildApp({ databaseUrl, maxConnections = 10 }: AppOptions) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: maxConnections } })
  await app.register(dbSession, { knex, closePools: true })

  app.post('/users', { schema: { body: SignUp } }, async ({ body, db }, reply) => {
    const { email, title, content } = body
    const taken = await db('posts').where({ title }).first('id')
    if (taken) return reply.code(409).send({ detail: 'A post with this title exists already.' })
    const [{ id }] = await db('users').insert({ email, password: NO_PASSWORD }).returning('id')
    const rows = await db('posts').insert({ owner_id: id, title, content }, ['id'])
    return reply.code(201).send({ user: id, post: rows[0].id })
  })

  return app
}
