import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Check } from '../src/check.ts'
import { runCheck } from '../src/run.ts'
import { survivesBadInput } from '../src/stages/18-survives-bad-input.ts'
import { Subject, unusedId } from '../src/subject.ts'

t.test('an unused ID has the form of the ID that it is made from', async (t) => {
  t.equal(unusedId(7), 2_000_000_000)
  t.equal(unusedId('7'), 2_000_000_000)
  for (const id of [randomUUID(), randomUUID().toUpperCase()]) {
    t.match(unusedId(id), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i)
    t.not(unusedId(id), id)
  }
  t.match(unusedId('507f1f77bcf86cd799439011'), /^[0-9a-f]{24}$/)
  t.match(unusedId('V1StGXR8_Z5jdHi6B-myT'), /^V1StGXR8_Z5jdH[\w-]{7}$/)
})

t.test('a large body is judged by its own response, not by the redirect before it', async (t) => {
  const server = createServer((request, response) => {
    if (!request.url?.endsWith('/')) {
      // the server reads no body that it redirects
      response.writeHead(307, { location: `${request.url}/`, connection: 'close' }).end()
      return request.socket.destroySoon()
    }
    request.resume().once('end', () => response.writeHead(201).end('{"id":1,"title":"x"}'))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const check = survivesBadInput.checks.find(({ id }) => id === 'huge-body') as Check
  const result = await runCheck(check, new Subject({ url }))
  t.match(result, { state: 'failed', failure: { actual: /^201/, sent: { path: '/posts/' } } })
})
