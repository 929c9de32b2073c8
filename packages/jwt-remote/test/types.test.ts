import type { IncomingMessage } from 'node:http'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import fastify from 'fastify'
import t from 'tap'
import { type JwtRemoteErrorCode, jwtRemote, type RemoteClaims } from '../src/index.ts'
import { makeKey, optionsFor, setOf, sign } from './support.ts'

const key = makeKey('k')
const schema = Type.Object({ sub: Type.String(), roles: Type.Array(Type.String()) })
const options = { ...optionsFor({ jwks: setOf(key) }), claims: schema }
const remote = jwtRemote(options)

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

t.test('the schema is the type of the claims', async (t) => {
  const verified = await remote.verify(await sign(key, { roles: ['a'] }))
  const same: [
    Same<typeof verified, RemoteClaims<typeof schema>>,
    Same<typeof verified.roles, readonly string[]>,
    Same<typeof verified.iat, number | undefined>,
    Same<typeof verified.exp, number>,
  ] = [true, true, true, true]
  t.ok(same)
  // @ts-expect-error there is no such claim
  t.equal(verified.team, undefined)
  t.throws(() => {
    // @ts-expect-error claims cannot be changed
    verified.sub = '8'
  }, TypeError)
})

t.test('wrong options do not compile', async (t) => {
  const code = { code: 'JWT_KIT_OPTIONS' }
  // @ts-expect-error HMAC is not for published keys
  t.throws(() => jwtRemote({ ...options, algorithms: ['HS256'] }), code)
  // @ts-expect-error a number has no unit
  t.throws(() => jwtRemote({ ...options, cooldown: 30 }), code)
  // @ts-expect-error there is no such option
  t.throws(() => jwtRemote({ ...options, jwksUrl: 'https://login.example/jwks' }), code)
  const { audience: _, ...without } = options
  // @ts-expect-error the audience is required
  t.throws(() => jwtRemote(without), code)
})

t.test('takes the requests of Fastify, Node and fetch without a cast', async (t) => {
  const app = fastify()
  app.get('/', { onRequest: remote.guard() }, async (request) => remote.claims(request).roles)
  t.ok(app)
  type Parameter = Parameters<typeof remote.verifyRequest>[0]
  const accepts: [
    FastifyRequest extends Parameter ? true : false,
    IncomingMessage extends Parameter ? true : false,
    Request extends Parameter ? true : false,
  ] = [true, true, true]
  t.ok(accepts)
  const code: JwtRemoteErrorCode = 'JWT_REMOTE_UNAVAILABLE'
  t.ok(code)
})
