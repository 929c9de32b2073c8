import authHash from '@auth-primer/auth-hash/fastify'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { Knex } from 'knex'

const Credentials = Type.Object({
  email: Type.String({ maxLength: 254 }),
  password: Type.String({ minLength: 8, maxLength: 1024 }),
})

export async function buildApp(knex: Knex) {
  const app = Fastify().setValidatorCompiler(TypeBoxValidatorCompiler).withTypeProvider<TypeBoxTypeProvider>()

  // #region register
  await app.register(authHash, { cost: 12 })
  // #endregion

  // #region sign-up
  app.post('/users', { schema: { body: Credentials } }, async (request, reply) => {
    const { email, password } = request.body
    await knex('users').insert({ email, password: await app.hasher.hash(password) })
    return reply.code(201).send({ email })
  })
  // #endregion

  // #region log-in
  app.post('/login', { schema: { body: Credentials } }, async (request, reply) => {
    const { email, password } = request.body
    const user = await knex('users').where({ email }).first()
    const verdict = await app.hasher.verify({
      password,
      hash: user?.password,
      save: (next, previous) =>
        knex('users').where({ id: user.id, password: previous }).update({ password: next }),
    })
    if (verdict.ok) return { id: user.id }
    request.log.info({ reason: verdict.reason }, 'login failed')
    return reply.code(403).send({ message: 'Invalid credentials' })
  })
  // #endregion

  return app
}
