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
    // Yours to write: insert the user, then the post. A title that is taken is a 409, and stores nothing.
    return reply.code(501).send({ detail: `Nobody stores ${body.email} yet (${db.mode})` })
  })

  return app
}
