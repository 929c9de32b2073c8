import type { HTTPMethods, InjectOptions } from 'fastify'
import t from 'tap'
import { buildOffline } from '../../../test-support/social-api.ts'

const ROUTES: [HTTPMethods, string][] = [
  ['POST', '/xray/bench/token'],
  ['POST', '/xray/bench/hash'],
  ['POST', '/xray/bench/hash/compare'],
  ['POST', '/xray/bench/hash/time'],
  ['POST', '/xray/bench/hash/edges'],
  ['GET', '/xray/bench/session/seats'],
  ['POST', '/xray/bench/session/well'],
  ['POST', '/xray/bench/session/constraint'],
  ['POST', '/xray/bench/session/throw'],
  ['POST', '/xray/bench/session/leave'],
  ['POST', '/xray/bench/session/kill'],
  ['GET', '/xray/bench/session/crowd/one'],
  ['POST', '/xray/bench/session/crowd'],
]

const [app, off] = [await buildOffline(t, { xray: true }), await buildOffline(t)]
await app.ready()

t.test('the benches’ routes are X-ray’s, and exist nowhere else', async (t) => {
  for (const [method, url] of ROUTES) {
    const name = `${method} ${url}`
    const isThere = (one: typeof app, constraints = {}) =>
      one.hasRoute({ method, url, constraints }) || one.hasRoute({ method, url: `${url}/`, constraints })
    t.ok(isThere(app, { local: 'yes' }), `${name} is there`)
    t.notOk(isThere(app), `${name} is not there without the gate`)
    t.notOk(isThere(off, { local: 'yes' }), `${name} is not there without X-ray`)
  }
})

t.test('to strangers there is no bench', async (t) => {
  const local: InjectOptions = { headers: { host: 'localhost' } }
  const strangers: InjectOptions[] = [
    { headers: { host: 'attacker.example' } },
    { headers: { host: 'localhost', origin: 'https://attacker.example' } },
    { headers: { host: 'localhost', 'x-forwarded-for': '127.0.0.1' } },
    { ...local, remoteAddress: '10.0.0.1' },
  ]
  for (const [method, url] of ROUTES) {
    for (const stranger of strangers) {
      const { statusCode } = await app.inject({ method: method as 'GET', url, ...stranger })
      t.equal(statusCode, 404, `${method} ${url} ${JSON.stringify(stranger)}`)
    }
  }
  const { statusCode } = await app.inject({ method: 'POST', url: '/xray/bench/token', ...local })
  t.equal(statusCode, 401, 'to this machine there is')
})

t.test('no operation of a bench is in the service’s document', async (t) => {
  t.same(
    Object.keys(app.swagger().paths ?? {}).filter((path) => path.startsWith('/xray')),
    [],
  )
})
