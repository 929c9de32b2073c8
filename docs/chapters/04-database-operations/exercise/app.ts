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
    // Your turn: insert the user, then the post. If the title is taken, reply with 409 and store nothing.
    return reply
      .code(501)
      .send({ detail: `Storing ${body.email} is not implemented yet (session mode: ${db.mode})` })
  })

  return app
}
