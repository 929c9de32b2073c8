import { Type } from '@sinclair/typebox'
import t from 'tap'
import { jwtKit, keyring, tokenKind } from '../src/index.ts'
import { SECRET } from './support.ts'

const kit = jwtKit({
  issuer: 'https://auth.shop.example',
  keys: keyring('HS256', [{ kid: '2026-11', key: SECRET }]),
  kinds: {
    access: tokenKind('access+jwt', {
      ttl: '30m',
      claims: Type.Object({
        sub: Type.String({ description: 'the user, by id' }),
        role: Type.Union([Type.Literal('user'), Type.Literal('admin')], {
          description: 'what the user may do',
        }),
      }),
    }),
    refresh: tokenKind('refresh+jwt', { ttl: '30d', claims: Type.Object({ sub: Type.String() }) }),
  },
})

t.test('signs claims and gives them back', async (t) => {
  const claims = await kit.access.verify(kit.access.sign({ sub: '7', role: 'user' }))
  const role: 'user' | 'admin' = claims.role
  t.equal(role, 'user')
  t.match(claims, {
    sub: '7',
    iss: 'https://auth.shop.example',
    iat: Number,
    exp: claims.iat + 1800,
    jti: String,
  })
  t.notOk('aud' in claims)
})

t.test('refuses a token of another kind on the same key', async (t) => {
  await t.rejects(kit.access.verify(kit.refresh.sign({ sub: '7' })), { code: 'JWT_KIT_WRONG_KIND' })
  await t.rejects(kit.refresh.verify(kit.access.sign({ sub: '7', role: 'user' })), {
    code: 'JWT_KIT_WRONG_KIND',
  })
})

t.test('does not sign claims that are wrong, missing or too many', async (t) => {
  // @ts-expect-error a role that is not in the schema
  t.throws(() => kit.access.sign({ sub: '7', role: 'root' }), { code: 'JWT_KIT_SIGN_CLAIMS', claim: 'role' })
  // @ts-expect-error the role is missing
  t.throws(() => kit.access.sign({ sub: '7' }), { code: 'JWT_KIT_SIGN_CLAIMS', claim: 'role' })
  // @ts-expect-error one claim too many
  t.throws(() => kit.access.sign({ sub: '7', role: 'user', admin: true }), {
    code: 'JWT_KIT_SIGN_CLAIMS',
    claim: 'admin',
  })
})
