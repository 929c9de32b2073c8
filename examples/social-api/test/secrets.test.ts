import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import { createProcessScanner, run } from '../../../test-support/process.ts'
import { createSecretScanner } from '../../../test-support/secrets.ts'

t.test(
  'the secret scanner that every test of the service uses finds secrets in logs and responses',
  async (t) => {
    const scanner = createSecretScanner()
    scanner.addMembers({
      username: 'ann@example.com',
      password: 'a good password',
      refresh_token: 'spent-token-of-ann',
    })
    scanner.add('hash', '$2b$10$abcdefghijklmnopqrstuv')
    t.same(scanner.found(), [])

    const server = createServer((request, response) => {
      response.setHeader('x-echo', request.headers['x-echo'] ?? '')
      response.write('{"seen": ')
      response.end(`"${decodeURIComponent(request.url?.split('?')[1] ?? '')}"}`)
    })
    scanner.watchServer(server)
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
    t.same(scanner.found(), [], 'tokens in a login’s response and Swagger UI’s example are allowed')

    scanner.log.write('{"msg":"harmless"}\n')
    scanner.log.write('{"msg":"ann has a good password"}\n')
    await get('/posts?$2b$10$abcdefghijklmnopqrstuv')
    await get('/posts', 'spent-token-of-ann')
    await get('/login?a good password')
    t.match(scanner.found(), [
      /^a password in the log/,
      /^a hash in GET \/posts\?/,
      /^a token in GET \/posts: .*x-echo/,
      /^a password in GET \/login/,
    ])
  },
)

t.test('the secret scanner learns secrets from requests and responses, over HTTP or injected', async (t) => {
  const scanner = createSecretScanner()
  const app = await scanner.watchBuild(async () =>
    Fastify({ loggerInstance: pino({ level: 'info' }, scanner.log) }),
  )
  app.post('/login', async () => ({ access_token: 'an access token', refresh_token: 'a refresh token' }))
  app.post('/users', async (request) => ({ echo: request.body }))
  app.get('/users', async (request) => request.log.info(request.headers.authorization) ?? {})
  app.get('/spent', async () => `${DIGEST} and a refresh token`)
  app.get('/posts', async () => `$2b$10$${'abcdefgh'.repeat(7)}`)
  t.teardown(() => app.close())

  await app.inject({ method: 'POST', url: '/login', payload: { username: 'x', password: 'a good password' } })
  t.same(scanner.found(), [])
  await app.inject({ method: 'POST', url: '/users', payload: { email: 'ann', password: 'another password' } })
  await app.inject({ url: '/users', headers: { authorization: 'Bearer 0123456789-0123456789' } })
  await app.inject('/posts')
  await fetch(`${await app.listen({ port: 0 })}/spent`)
  t.match(scanner.found(), [
    /^a password in POST \/users: .*another password/,
    /^a token in the log: .*Bearer 0123/,
    /^a hash in GET \/posts/,
    /^a token in GET \/spent/,
    /^a hash in GET \/spent/,
  ])
})

t.test('the secret scanner finds secrets of a request in the output of a process', async (t) => {
  const program = `
    import { createServer } from 'node:http'
    const server = createServer((request, response) => {
      request.on('data', (chunk) => {
        console.log('received ' + (request.url === '/leak' ? chunk : 'nothing'))
        response.end('thanks')
        server.close()
      })
    })
    server.listen(0, '127.0.0.1', () => console.log('at ' + server.address().port))`
  for (const path of ['/leak', '/quiet']) {
    const scanner = createProcessScanner({ JWT_SECRET: 'a secret of some length' })
    const service = run(t, [process.execPath, '--input-type=module', '-e', program], scanner.env)
    const url = `http://127.0.0.1:${await service.waitForOutput(/at (\d+)/)}${path}`
    // The process prints the whole body.
    const body = JSON.stringify({ password: 'a good password' })
    await fetch(url, { method: 'POST', body, headers: { connection: 'close' } })
    await service.waitForExit()
    if (path === '/leak') t.throws(() => scanner.end(service.output()), /a password in the log: received/)
    else t.doesNotThrow(() => scanner.end(service.output()))
  }
})

/** The digest of `a refresh token`, in the form that is stored. */
const DIGEST = createHash('sha256').update('a refresh token').digest('hex')
