import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import t from 'tap'
import { forge } from '../src/testing.ts'
import { CLAIMS, makeKit } from './support.ts'

t.test('tells of tokens signed, accepted and refused, and of nothing that is secret', async (t) => {
  const { kit } = makeKit()
  const events: [string, unknown][] = []
  const listener = (message: unknown, name: string | symbol) => events.push([String(name), message])
  const names = ['sign', 'accept', 'refuse'].map((event) => `auth-primer:jwt-kit:${event}`)
  for (const name of names) subscribe(name, listener)
  const token = kit.access.sign(CLAIMS)
  await kit.access.verify(token)
  await t.rejects(kit.access.verify(forge(kit.access, CLAIMS, { claims: { role: 'root' } })))
  await kit.explain(token)
  for (const name of names) unsubscribe(name, listener)
  await kit.access.verify(kit.access.sign(CLAIMS))
  t.same(events, [
    [names[0], { kind: 'access', algorithm: 'HS256' }],
    [names[1], { kind: 'access' }],
    [names[2], { kind: 'access', code: 'JWT_KIT_CLAIMS', part: 'payload', claim: 'role' }],
  ])
  t.notOk(inspect(events, { depth: null }).includes(token))
})
