import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { forge } from '@auth-primer/jwt-kit/testing'
import { Type } from '@sinclair/typebox'
import fastify from 'fastify'

const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
const keys = keyring('HS256', [{ kid: '2026-11', key: randomBytes(32) }])
const kit = jwtKit({ issuer: 'https://auth.shop.example', keys, kinds: { access } })
const app = fastify()
app.get('/open', async () => 'ok')
app.get('/guarded', { onRequest: kit.access.guard() }, async () => 'ok')
await app.listen({ host: '127.0.0.1', port: 0 })

const claims = { sub: '7' }
const nested = `${'['.repeat(1500)}${']'.repeat(1500)}`
const tokens = {
  malformed: 'abc',
  'wrong signature': forge(kit.access, claims, { signature: randomBytes(32).toString('base64url') }),
  'wrong signature, 5 KB payload': forge(kit.access, claims, {
    claims: { padding: 'x'.repeat(3900) },
    signature: 'AAAA',
  }),
  'wrong signature, nested 1500 deep': forge(kit.access, claims, {
    claims: `{"a":${nested}}`,
    signature: 'AAAA',
  }),
  expired: forge(kit.access, claims, { claims: { iat: 1, exp: 2 } }),
}

const delay = monitorEventLoopDelay({ resolution: 1 })
process.on('message', (message) => {
  if (message === 'start') {
    delay.reset()
    delay.enable()
    return
  }
  delay.disable()
  process.send?.({ p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6 })
})
process.on('disconnect', () => app.close())
process.send?.({ port: (app.server.address() as AddressInfo).port, tokens })
