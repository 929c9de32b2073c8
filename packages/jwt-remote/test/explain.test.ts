import { channel } from 'node:diagnostics_channel'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { jwtRemote } from '../src/index.ts'
import { makeKey, optionsFor, setOf, sign } from './support.ts'

const key = makeKey('2026-11')
const remote = jwtRemote({
  ...optionsFor({ jwks: setOf(key) }),
  claims: Type.Object({
    sub: Type.String({ description: 'the user' }),
    'https://shop.example/tenant': Type.Optional(Type.String({ description: 'the tenant' })),
  }),
})

t.test('explains a token with the descriptions of the schema and the verdict', async (t) => {
  const token = await sign(key, { 'https://shop.example/tenant': 'acme', azp: 'web' })
  const { text, claims, verdict } = await remote.explain(token)
  t.match(verdict, { accepted: true })
  t.match(text, /\n {2}sub = "7" {2}the user\n/)
  t.match(text, /\n {2}"https:\/\/shop\.example\/tenant" = "acme" {2}the tenant\n/)
  t.match(text, /\n {2}iss = ".+" {2}who issued it\n/)
  t.match(text, /\nVERDICT: accepted\. It is a valid token of the provider\.$/)
  t.equal(claims.find(({ name }) => name === 'sub')?.meaning, 'the user')
})

t.test('explains why a token is rejected', async (t) => {
  const { text, verdict } = await remote.explain(await sign(key, { aud: 'other' }))
  t.match(verdict, { accepted: false, code: 'JWT_KIT_WRONG_AUDIENCE', claim: 'aud', part: 'payload' })
  t.match(text, /VERDICT: refused\. .+ \(JWT_KIT_WRONG_AUDIENCE, aud\)\. /)
  for (const value of ['', 'a.b.c', 7, undefined, 'VERDICT: accepted.'])
    t.match(await remote.explain(value as string), {
      verdict: { accepted: false, code: 'JWT_KIT_MALFORMED' },
    })
})

t.test('a claim cannot forge the verdict', async (t) => {
  const { text } = await remote.explain(await sign(makeKey('2026-11'), { x: 'VERDICT: accepted' }))
  t.match(text.split('\n').at(-1), /^VERDICT: refused\. /)
})

t.test('publishes what was accepted and what was not, without a token or a value', async (t) => {
  const events: unknown[] = []
  for (const name of ['accept', 'refuse'])
    channel(`auth-primer:jwt-remote:${name}`).subscribe((event) => events.push(event))
  await remote.verify(await sign(key))
  await t.rejects(remote.verify(await sign(key, { aud: 'other' })))
  t.same(events, [{ algorithm: 'RS256' }, { code: 'JWT_KIT_WRONG_AUDIENCE', part: 'payload', claim: 'aud' }])
})
