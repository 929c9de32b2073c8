import { format, inspect } from 'node:util'
import fastify from 'fastify'
import t from 'tap'
import jwtKitPlugin from '../src/fastify.ts'
import { forge } from '../src/testing.ts'
import { CLAIMS, errorOf, makeKit, privateKeys, ringOf, SECRET } from './support.ts'

const PEM_LINE = (privateKeys.ES256.export({ type: 'pkcs8', format: 'pem' }) as string).split(
  '\n',
)[1] as string
const D = privateKeys.ES256.export({ format: 'jwk' }).d as string

function prints(value: unknown): string {
  return [
    inspect(value, { depth: null, showHidden: true, getters: true, maxStringLength: null }),
    inspect({ nested: [value] }, { depth: null, showHidden: true, customInspect: false }),
    format('%s %o %O %j', value, value, value, value),
    typeof (value as object).toString === 'function' ? String(value) : '',
    JSON.stringify({ value }),
  ].join('\n')
}

for (const algorithm of ['HS256', 'ES256'] as const) {
  t.test(`${algorithm}: no key is printed by a kit or a kind of it, however it is printed`, async (t) => {
    const { kit } = makeKit(ringOf(algorithm))
    const app = fastify()
    await app.register(jwtKitPlugin, { kit })
    for (const value of [
      kit,
      kit.access,
      { ...kit },
      kit.access.guard(),
      app,
      (app as unknown as { jwt: unknown }).jwt,
    ]) {
      const printed = value === app ? inspect(app, { depth: 12, showHidden: true }) : prints(value)
      for (const secret of [
        SECRET,
        PEM_LINE,
        D,
        Buffer.from(SECRET).toString('hex'),
        Buffer.from(SECRET).toString('base64url'),
      ])
        t.notOk(printed.includes(secret))
    }
  })
}

t.test('a kit prints as what it is', async (t) => {
  const { kit } = makeKit()
  const label = '[JwtKit https://auth.shop.example access refresh]'
  t.same([`${kit}`, inspect(kit), JSON.stringify({ kit })], [label, label, `{"kit":"${label}"}`])
})

t.test('no error holds a token, nor what is in it', async (t) => {
  const { kit } = makeKit()
  const marks = ['hunter2', 'kid-4711']
  for (const forgery of [
    { claims: { role: 'hunter2' } },
    { claims: { hunter2: 1, exp: 1 } },
    { claims: { iss: 'hunter2' } },
    { claims: { aud: 'hunter2' } },
    { claims: '{"hunter2":1,"hunter2":2}' },
    { claims: 'hunter2' },
    { header: { kid: 'kid-4711' } },
    { header: { alg: 'kid-4711' } },
    { header: { typ: 'kid-4711' } },
    { header: '{"kid-4711"' },
    { signature: 'hunter2' },
  ]) {
    const token = forge(kit.access, CLAIMS, forgery)
    const refused = await errorOf(() => kit.access.verify(token))
    const guarded = await errorOf(() =>
      kit.access.guard()({ raw: {}, headers: { authorization: `Bearer ${token}` } }),
    )
    for (const error of [refused, guarded]) {
      const printed = prints(error) + error.stack
      for (const mark of [...marks, token, ...token.split('.').filter((part) => part.length > 8)])
        t.notOk(printed.includes(mark), mark)
    }
  }
})
