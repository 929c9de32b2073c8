import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { STATUS_CODES } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createMigratedDatabase } from '../../../test-support/database.ts'
import { freePorts } from '../../../test-support/ports.ts'
import type { Running } from '../../../test-support/process.ts'
import { count, createCaller, HOW_TO, NAME, startNginx, startUnit } from './deployed.ts'
import { ANN } from './helper.ts'

t.test('systemd accepts the unit', async (t) => {
  const { error, status, stderr } = spawnSync(
    'systemd-analyze',
    ['verify', join(HOW_TO, 'deploy/social-api@.service')],
    {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, SYSTEMD_LOG_LEVEL: 'warning' },
    },
  )
  if (error) t.comment('systemd-analyze is not installed: only the next test reads the unit')
  else t.equal(status, 0, stderr)
  const ours = stderr?.split('\n').filter((line) => line.includes('social-api@.service')) ?? []
  t.same(ours, [], 'no warning about the unit')
})

t.test('the service runs with the unit and the nginx.conf of the how-to', async (t) => {
  const variables = {
    DATABASE_URL: await createMigratedDatabase(t),
    JWT_SECRET: 'an own secret for this test, 32 bytes or more',
    BCRYPT_COST: '12',
  }
  const [one, two, tls, plain] = (await freePorts(4)) as [number, number, number, number]
  const processes: [Running, Running] = [
    await startUnit(t, one, variables),
    await startUnit(t, two, variables),
  ]
  const nginx = await startNginx(t, { one, two, tls, plain })
  const call = createCaller(tls, nginx.certificate)

  await t.test('sign-up, login and posts work over TLS', async (t) => {
    const json = (value: object) => ({ body: JSON.stringify(value), type: 'application/json' })
    const signedUp = await call('POST', '/users', json({ email: ANN.username, password: ANN.password }))
    t.equal(signedUp.status, 201)
    t.equal(signedUp.headers['strict-transport-security'], 'max-age=31536000')
    t.match(signedUp.headers['x-request-id'], /^[0-9a-f]{32}$/, 'nginx’s id')
    t.notOk(signedUp.headers['x-powered-by'])
    const type = 'application/x-www-form-urlencoded'
    const login = await call('POST', '/login', { body: new URLSearchParams(ANN).toString(), type })
    t.equal(login.status, 200)
    t.equal(login.headers['cache-control'], 'no-store')
    const token = JSON.parse(login.text).access_token
    const post = { ...json({ title: 'Hello', content: '\u{1f345}'.repeat(20_000) }), token }
    t.equal((await call('POST', '/posts', post)).status, 201)
    const found = await call('GET', '/posts?search=Hello', { token })
    t.equal(JSON.parse(found.text).length, 1)
    const forged = await call('GET', '/posts', {
      headers: { 'x-request-id': 'forged', 'x-forwarded-for': '6.6.6.6' },
    })
    t.equal(forged.status, 401)
    t.match(JSON.parse(forged.text).instance, /^[0-9a-f]{32}$/)

    const log = await readFile(nginx.accessLog, 'utf8')
    t.match(log, `${found.headers['x-request-id']} "GET /posts" 200`)
    const output = processes.map(({ output }) => output()).join('')
    t.match(output, `"reqId":"${found.headers['x-request-id']}"`, 'both logs have the same id')
    for (const secret of [token, ANN.password, ANN.username, 'Hello'])
      t.notOk((log + output).includes(secret))
  })

  await t.test('requests that nginx itself rejects get a problem document too', async (t) => {
    const type = 'application/json'
    for (const [status, code, method, path, body] of [
      [400, 'MALFORMED_REQUEST', 'GET', '/posts/%00', undefined],
      [413, 'PAYLOAD_TOO_LARGE', 'POST', '/posts', 'x'.repeat(600_000)],
      [414, 'URI_TOO_LONG', 'GET', `/posts?search=${'x'.repeat(20_000)}`, undefined],
    ] as const) {
      const response = await call(method, path, { type, ...(body && { body }) })
      t.equal(response.status, status)
      t.equal(response.headers['content-type'], 'application/problem+json')
      const instance = response.headers['x-request-id']
      t.strictSame(instance && JSON.parse(response.text), {
        type: `/guide/errors/${code}`,
        title: STATUS_CODES[status],
        status,
        detail: JSON.parse(response.text).detail,
        code,
        instance,
      })
      t.doesNotThrow(() => readFileSync(join(HOW_TO, `../errors/${code}.md`)), 'the page of the code exists')
    }
    const passed = await call('POST', '/posts', { type, body: 'x'.repeat(500_000) })
    t.match(JSON.parse(passed.text), { code: 'NOT_AUTHENTICATED' }, 'the service responds to smaller bodies')
  })

  await t.test('over plain HTTP, pages are redirected to TLS, and everything else is rejected', async (t) => {
    const get = (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${plain}${path}`, { redirect: 'manual', ...init })
    for (const path of ['/', '/docs', '/docs/?x=1', '/guide/errors/CONFLICT']) {
      const response = await get(path, { headers: { host: 'evil.example' } })
      t.equal(response.status, 308, path)
      t.equal(response.headers.get('location'), `https://${NAME}${path}`)
    }
    for (const path of ['/posts?limit=1', '/login', '/users/me', '/docsx', '/token/refresh', '/health']) {
      for (const method of ['GET', 'POST']) {
        const response = await get(path, { method, headers: { authorization: 'Bearer x' } })
        t.equal(response.status, 403, `${method} ${path}`)
        t.equal(response.headers.get('content-type'), 'application/problem+json')
        t.match(await response.json(), { status: 403, detail: /https:\/\// })
      }
    }
  })

  await t.test('a process that gets SIGTERM finishes its requests, and the other takes over', async (t) => {
    const type = 'application/x-www-form-urlencoded'
    const login = () => call('POST', '/login', { body: new URLSearchParams(ANN).toString(), type })
    // Logins are under way in both processes when one of them gets SIGTERM.
    const before = count(processes[0], /incoming request/g)
    const underWay = Array.from({ length: 6 }, login)
    while (count(processes[0], /incoming request/g) < before + 2) await sleep(10)
    processes[0].child.kill('SIGTERM')
    const after: number[] = []
    const ended = processes[0].waitForExit().then((code) => t.equal(code, 0))
    do {
      after.push((await call('GET', '/health')).status)
      await sleep(20)
    } while (processes[0].child.exitCode === null)
    await ended
    for (let i = 0; i < 20; i += 1) after.push((await call('GET', '/health')).status)
    t.same(new Set((await Promise.all(underWay)).map(({ status }) => status)), new Set([200]))
    t.same(new Set(after), new Set([200]), `${after.length} requests during the stop`)
    t.equal(count(processes[0], /"statusCode":503/g), 0)

    const again = await startUnit(t, one, variables)
    processes[1].child.kill('SIGTERM')
    t.equal(await processes[1].waitForExit(), 0)
    t.equal((await login()).status, 200, 'the restarted process serves')
    again.child.kill('SIGTERM')
    t.equal(await again.waitForExit(), 0)
  })

  await t.test('without any process, nginx responds with a problem document with a request id', async (t) => {
    const response = await call('GET', '/posts')
    t.equal(response.status, 503)
    t.match(response.headers, { 'content-type': 'application/problem+json', 'retry-after': '2' })
    t.match(JSON.parse(response.text), {
      code: 'OVERLOADED',
      status: 503,
      instance: response.headers['x-request-id'],
    })
  })
})
