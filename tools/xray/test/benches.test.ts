import type { HTTPMethods } from 'fastify'
import t from 'tap'
import { buildOffline, callRaw } from '../../../test-support/social-api.ts'
import { createPageHeaders, serveXray } from './setup.ts'

const ROUTES: [HTTPMethods, string][] = [
  ['POST', '/xray/bench/token'],
  ['POST', '/xray/bench/hash'],
  ['POST', '/xray/bench/hash/compare'],
  ['POST', '/xray/bench/hash/time'],
  ['POST', '/xray/bench/hash/edges'],
  ['GET', '/xray/bench/session/seats'],
  ['POST', '/xray/bench/session/success'],
  ['POST', '/xray/bench/session/constraint'],
  ['POST', '/xray/bench/session/throw'],
  ['POST', '/xray/bench/session/disconnect'],
  ['POST', '/xray/bench/session/kill'],
  ['GET', '/xray/bench/session/crowd/one'],
  ['POST', '/xray/bench/session/crowd'],
]

const { app, url } = await serveXray(t)
const off = await buildOffline(t)

t.test('the benches’ routes exist only with X-ray’s constraint', async (t) => {
  for (const [method, path] of ROUTES) {
    const name = `${method} ${path}`
    const isThere = (one: typeof app, constraints = {}) =>
      [path, `${path}/`].some((url) => one.hasRoute({ method, url, constraints }))
    t.ok(isThere(app, { xray: 'yes' }), `${name} exists`)
    t.notOk(isThere(app), `${name} does not exist without the constraint`)
    t.notOk(isThere(off, { xray: 'yes' }), `${name} does not exist without X-ray`)
  }
})

t.test('a bench is a 404 without the key, without an origin, and through a proxy', async (t) => {
  const { cookie, origin } = createPageHeaders(url)
  for (const [method, path] of ROUTES) {
    for (const headers of [
      { origin },
      { cookie: `${cookie}x`, origin },
      { cookie, origin: 'https://attacker.example' },
      { cookie, origin, 'x-forwarded-for': '127.0.0.1' },
      ...(method === 'POST' ? [{ cookie }] : []),
    ]) {
      const { status } = await callRaw(url, path, { method, headers })
      t.equal(status, 404, `${method} ${path} ${JSON.stringify(Object.keys(headers))}`)
    }
  }
  const { status } = await callRaw(url, '/xray/bench/token', { method: 'POST', headers: { cookie, origin } })
  t.equal(status, 401, 'with all of them it exists')
})

t.test('the OpenAPI document has no operation of a bench', async (t) => {
  t.same(
    Object.keys(app.swagger().paths ?? {}).filter((path) => path.startsWith('/xray')),
    [],
  )
})
