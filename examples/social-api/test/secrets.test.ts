import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { secretsHunt } from './secrets.ts'

t.test('the hunt that every test of the service ends with finds what it is to find', async (t) => {
  const hunt = secretsHunt()
  hunt.addFrom({
    username: 'ann@example.com',
    password: 'a good password',
    refresh_token: 'spent-token-of-ann',
  })
  hunt.add('hash', '$2b$10$abcdefghijklmnopqrstuv')
  t.same(hunt.found(), [])

  const server = createServer((request, response) => {
    response.setHeader('x-echo', request.headers['x-echo'] ?? '')
    response.write('{"seen": ')
    response.end(`"${decodeURIComponent(request.url?.split('?')[1] ?? '')}"}`)
  })
  hunt.listenTo(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const get = (path: string, echo = '') =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
      headers: { 'x-echo': echo },
    })

  await get('/posts?harmless')
  await get('/login?spent-token-of-ann')
  await get('/docs?a good password')
  t.same(hunt.found(), [], 'a log-in shows tokens, and Swagger UI its example')

  hunt.log.write('{"msg":"harmless"}\n')
  hunt.log.write('{"msg":"ann has a good password"}\n')
  await get('/posts?$2b$10$abcdefghijklmnopqrstuv')
  await get('/posts', 'spent-token-of-ann')
  await get('/login?a good password')
  t.match(hunt.found(), [
    /^a password in the log/,
    /^a hash in GET \/posts\?/,
    /^a token in GET \/posts: .*x-echo/,
    /^a password in GET \/login/,
  ])
})
