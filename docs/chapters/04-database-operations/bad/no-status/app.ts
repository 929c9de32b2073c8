import { dbSession } from '@auth-primer/db-session'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { Knex } from 'knex'

const SignUp = Type.Object({ email: Type.String(), title: Type.String() }, { additionalProperties: false })

/** A sign-up comes with a first post: both are stored, or neither is. */
export async function buildApp(knex: Knex) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  await app.register(dbSession, { knex })

  app.post('/users', { schema: { body: SignUp } }, async ({ body, db }, reply) => {
    const [user] = await db('users').insert({ email: body.email }).returning('id')
    const [post] = await db('posts')
      .insert({ owner_id: user.id, title: body.title })
      .onConflict('title')
      .ignore()
      .returning('id')
    // The mistake: an error without a status is a 200, and a 200 is stored.
    if (post === undefined) return { detail: 'There is a post with this title.' }
    return reply.code(201).send({ user: user.id, post: post.id })
  })

  return app
}
