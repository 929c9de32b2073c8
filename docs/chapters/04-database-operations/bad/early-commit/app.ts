import { dbSession } from '@auth-primer/db-session'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { Knex } from 'knex'

const SignUp = Type.Object({ email: Type.String(), title: Type.String() }, { additionalProperties: false })

/** Signs up a user together with a first post. Both are stored, or neither is. */
export async function buildApp(knex: Knex) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  await app.register(dbSession, { knex })

  app.post('/users', { schema: { body: SignUp } }, async ({ body, db }, reply) => {
    const [user] = await db('users').insert({ email: body.email }).returning('id')
    // The mistake: committing after each step, as with SQLAlchemy. A later error can no longer undo this step.
    await db.commit()
    const [post] = await db('posts')
      .insert({ owner_id: user.id, title: body.title })
      .onConflict('title')
      .ignore()
      .returning('id')
    if (post === undefined) return reply.code(409).send({ detail: 'A post with this title exists already.' })
    return reply.code(201).send({ user: user.id, post: post.id })
  })

  return app
}
