import { channel } from 'node:diagnostics_channel'
import authHash from '@auth-primer/auth-hash/fastify'
import { dbSession } from '@auth-primer/db-session'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import xray, { type XrayOptions } from '@auth-primer/tool-xray'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { Knex } from 'knex'

// #region options
const service = {
  name: 'shop',
  signUp: { title: 'Sign up', method: 'POST', path: '/users' },
  logIn: { title: 'Log in', method: 'POST', path: '/login', body: 'json' },
  me: { title: 'Who am I?', method: 'GET', path: '/me' },
} satisfies XrayOptions['service']

const tables = [{ name: 'users', key: ['id'] }]
// #endregion

// #region service
const body = Type.Object({ email: Type.String(), password: Type.String({ minLength: 8 }) })
const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })

export async function buildApp(knex: Knex, { secret, xrayKey }: { secret: string; xrayKey?: string }) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'shop', keys, kinds: { access } })

  await app.register(dbSession, { knex })
  if (xrayKey) await app.register(xray, { key: xrayKey, knex, service, tables, callerChannel: 'shop:caller' })
  await app.register(authHash, { cost: 12 })

  app.post('/users', { schema: { body } }, async ({ body: { email, password }, db }, reply) => {
    const hash = await app.hasher.hash(password)
    await db('users').insert({ email, password: hash })
    return reply.code(201).send({ email })
  })

  app.post('/login', { schema: { body } }, async ({ body: { email, password } }, reply) => {
    const user = await knex('users').where({ email }).first()
    const { ok } = await app.hasher.verify({ password, hash: user?.password })
    if (!ok) return reply.code(403).send({ message: 'Invalid credentials' })
    return { access_token: kit.access.sign({ sub: String(user.id) }) }
  })

  app.get('/me', { onRequest: kit.access.guard() }, async (request) => {
    const { sub } = kit.access.claims(request)
    const user = await request.db('users').select('id', 'email').where({ id: sub }).first()
    channel('shop:caller').publish({ id: user.id, name: user.email })
    return user
  })

  return app
}
// #endregion
