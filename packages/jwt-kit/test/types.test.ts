import { Type } from '@sinclair/typebox'
import fastify from 'fastify'
import t from 'tap'
import jwtKitPlugin from '../src/fastify.ts'
import { type Claims, type Jwk, jwtKit, type Keyring, keyring, tokenKind } from '../src/index.ts'
import { accessKind, CLAIMS, ISSUER, privateKeys, ringOf } from './support.ts'

const kinds = {
  access: accessKind,
  invite: tokenKind('invite+jwt', {
    ttl: '1d',
    claims: Type.Object({
      team: Type.Integer(),
      roles: Type.Array(Type.String()),
      note: Type.Optional(Type.String()),
    }),
  }),
}
const kit = jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), kinds })

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

t.test('the schema is the type of the claims, kind by kind', async (t) => {
  const access = await kit.access.verify(kit.access.sign(CLAIMS))
  const invite = await kit.invite.verify(kit.invite.sign({ team: 1, roles: ['a'] }))
  const same: [
    Same<typeof access.role, 'user' | 'admin'>,
    Same<typeof access.sub, string>,
    Same<typeof access.exp, number>,
    Same<typeof invite.team, number>,
    Same<typeof invite.roles, readonly string[]>,
    Same<ReturnType<typeof kit.access.claims>, Claims<typeof accessKind.claims>>,
  ] = [true, true, true, true, true, true]
  t.ok(same)
  // @ts-expect-error there is no such claim
  t.equal(access.team, undefined)
  t.throws(() => {
    // @ts-expect-error claims cannot be changed
    access.role = 'admin'
  }, TypeError)
  t.throws(() => {
    // @ts-expect-error at no depth
    invite.roles.push('b')
  }, TypeError)
})

t.test('wrong and extra claims do not compile', async (t) => {
  const code = { code: 'JWT_KIT_SIGN_CLAIMS' }
  // @ts-expect-error
  t.throws(() => kit.access.sign({ sub: 7, role: 'user' }), code)
  // @ts-expect-error
  t.throws(() => kit.access.sign({ sub: '7', role: 'root' }), code)
  // @ts-expect-error
  t.throws(() => kit.access.sign({ sub: '7' }), code)
  // @ts-expect-error
  t.throws(() => kit.access.sign({ sub: '7', role: 'user', extra: 1 }), code)
  // @ts-expect-error
  t.throws(() => kit.access.sign({ sub: '7', role: 'user', exp: 1 }), code)
  // @ts-expect-error
  t.throws(() => kit.invite.sign(CLAIMS), code)
})

t.test('so do wrong options, kinds and keys', async (t) => {
  const keys: Keyring = ringOf('HS256')
  const code = { code: 'JWT_KIT_OPTIONS' }
  // @ts-expect-error a number has no unit
  t.throws(() => tokenKind('x+jwt', { ttl: 60, claims: Type.Object({}) }), code)
  // @ts-expect-error the claims are an object
  t.throws(() => tokenKind('x+jwt', { ttl: '1m', claims: Type.String() }), code)
  // @ts-expect-error keys are a keyring
  t.throws(() => jwtKit({ issuer: ISSUER, keys: 'secret', kinds }), code)
  // @ts-expect-error there is no such kind
  t.equal(jwtKit({ issuer: ISSUER, keys, kinds }).refresh, undefined)
})

t.test('fits into Fastify without a cast', async (t) => {
  const app = fastify()
  app.register(jwtKitPlugin, { kit })
  app.register(jwtKitPlugin, { kit, kind: 'invite' }).after((problem) => t.match(problem, /already used/))
  app.get('/decorators', async (request) => {
    const claims = await request.jwtVerify<Claims<typeof accessKind.claims>>()
    const again = await app.jwt.verify<Claims<typeof accessKind.claims>>(kit.access.sign(CLAIMS))
    return [claims.role, again.role, request.user]
  })
  app.get('/me', { onRequest: kit.access.guard() }, async (request) => {
    const role: 'user' | 'admin' = kit.access.claims(request).role
    return role
  })
  app.get('/both', { onRequest: [kit.access.guard(), kit.invite.guard()] }, async () => 'ok')
  const reply = await app
    .inject({ url: '/me', headers: { authorization: `Bearer ${kit.access.sign(CLAIMS)}` } })
    .catch((problem) => problem)
  t.ok(reply)
})

t.test('takes any typed value for claims, not literals alone', async (t) => {
  const user: { sub: string; role: 'user' | 'admin' } = { sub: '7', role: 'user' }
  t.ok(kit.access.sign(user))
  const revoking = jwtKit({
    issuer: ISSUER,
    keys: ringOf('HS256'),
    kinds,
    revoked: (claims, kind) => {
      if (kind === 'access') return (claims.role satisfies 'user' | 'admin') === 'user'
      // @ts-expect-error an invitation has no role
      claims.role
      return (claims.team satisfies number) === 2
    },
  })
  await t.rejects(revoking.invite.verify(revoking.invite.sign({ team: 2, roles: [] })), {
    code: 'JWT_KIT_REVOKED',
  })
  t.match(await revoking.invite.verify(revoking.invite.sign({ team: 1, roles: [] })), { team: 1 })
  await t.rejects(revoking.access.verify(revoking.access.sign(CLAIMS)), { code: 'JWT_KIT_REVOKED' })
})

t.test('a key that is not a key does not compile', async (t) => {
  const code = { code: 'JWT_KIT_KEY' }
  // @ts-expect-error a regular expression
  t.throws(() => keyring('HS256', [{ kid: 'x', key: /re/ }]), code)
  // @ts-expect-error a number
  t.throws(() => keyring('HS256', [{ kid: 'x', key: 7 }]), code)
  // @ts-expect-error a function
  t.throws(() => keyring('HS256', [{ kid: 'x', key: () => 'x' }]), code)
  const cryptoKey = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign'])
  // @ts-expect-error a key of Web Crypto
  t.throws(() => keyring('HS256', [{ kid: 'x', key: cryptoKey }]), code)
  const jwk: Jwk = privateKeys.ES256.export({ format: 'jwk' })
  t.ok(keyring('ES256', [{ kid: 'x', key: jwk }]))
  t.ok(keyring('ES256', [{ kid: 'x', key: privateKeys.ES256.export({ format: 'jwk' }) }]))
})

t.test('unknown options do not compile', async (t) => {
  const code = { code: 'JWT_KIT_OPTIONS' }
  const keys = ringOf('HS256')
  // @ts-expect-error it is called revoked
  t.throws(() => jwtKit({ issuer: ISSUER, keys, kinds, isRevoked: () => true }), code)
  // @ts-expect-error it is called ttl
  t.throws(() => kit.access.sign(CLAIMS, { expiresIn: '1s' }), code)
  // @ts-expect-error it is called optional
  t.throws(() => kit.access.guard({ credentialsRequired: false }), code)
  // @ts-expect-error verify has no options
  await t.rejects(kit.access.verify(kit.access.sign(CLAIMS), { ignoreExpiration: true }), code)
})
