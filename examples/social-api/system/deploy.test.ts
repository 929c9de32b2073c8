import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { CHECKOUT, type Running, run } from '../test/process.ts'
import { ANN, freePorts, migratedDatabase } from './helper.ts'

const DEPLOY = resolve(CHECKOUT, 'docs/how-to/deploy')
const NAME = 'api.example.com'

t.test('the unit is what systemd understands', async (t) => {
  const { error, status, stderr } = spawnSync(
    'systemd-analyze',
    ['verify', join(DEPLOY, 'social-api@.service')],
    {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, SYSTEMD_LOG_LEVEL: 'warning' },
    },
  )
  if (error) t.comment('systemd-analyze is not on this machine: the unit is read by the next test alone')
  else t.equal(status, 0, stderr)
  const ours = stderr?.split('\n').filter((line) => line.includes('social-api@.service')) ?? []
  t.same(ours, [], 'no line of it is complained of')
})

t.test('the unit’s processes behind the nginx of the file', async (t) => {
  const databaseUrl = await migratedDatabase(t)
  const [one, two, tls, plain] = (await freePorts(4)) as [number, number, number, number]
  const processes: [Running, Running] = [
    await startUnit(t, one, databaseUrl),
    await startUnit(t, two, databaseUrl),
  ]
  const nginx = await startNginx(t, { one, two, tls, plain })
  const call = caller(tls, nginx.certificate)

  await t.test('serve a sign-up, a log-in and a post over TLS', async (t) => {
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
    t.match(output, `"reqId":"${found.headers['x-request-id']}"`, 'and the same id in both logs')
    for (const secret of [token, ANN.password, ANN.username, 'Hello'])
      t.notOk((log + output).includes(secret))
  })

  await t.test('over plain HTTP, pages are sent to TLS, and all else is refused', async (t) => {
    const get = (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${plain}${path}`, { redirect: 'manual', ...init })
    for (const path of ['/', '/docs', '/docs/?x=1', '/guide/errors/CONFLICT']) {
      const answer = await get(path, { headers: { host: 'evil.example' } })
      t.equal(answer.status, 308, path)
      t.equal(answer.headers.get('location'), `https://${NAME}${path}`)
    }
    for (const path of ['/posts?limit=1', '/login', '/users/me', '/docsx', '/token/refresh', '/health']) {
      for (const method of ['GET', 'POST']) {
        const answer = await get(path, { method, headers: { authorization: 'Bearer x' } })
        t.equal(answer.status, 403, `${method} ${path}`)
        t.equal(answer.headers.get('content-type'), 'application/problem+json')
        t.match(await answer.json(), { status: 403, detail: /https:\/\// })
      }
    }
  })

  await t.test(
    'a process that is told to stop finishes what it has begun, and the other takes over',
    async (t) => {
      const type = 'application/x-www-form-urlencoded'
      const login = () => call('POST', '/login', { body: new URLSearchParams(ANN).toString(), type })
      // Log-ins are under way in both processes when one is told to stop.
      const before = count(processes[0], /incoming request/g)
      const underWay = Array.from({ length: 6 }, login)
      while (count(processes[0], /incoming request/g) < before + 2) await sleep(10)
      processes[0].child.kill('SIGTERM')
      const after: number[] = []
      const ended = processes[0].ends().then((code) => t.equal(code, 0))
      do {
        after.push((await call('GET', '/health')).status)
        await sleep(20)
      } while (processes[0].child.exitCode === null)
      await ended
      for (let i = 0; i < 20; i += 1) after.push((await call('GET', '/health')).status)
      t.same(new Set((await Promise.all(underWay)).map(({ status }) => status)), new Set([200]))
      t.same(new Set(after), new Set([200]), `${after.length} requests meanwhile`)
      t.equal(count(processes[0], /"statusCode":503/g), 0)

      const again = await startUnit(t, one, databaseUrl)
      processes[1].child.kill('SIGTERM')
      t.equal(await processes[1].ends(), 0)
      t.equal((await login()).status, 200, 'and back')
      again.child.kill('SIGTERM')
      t.equal(await again.ends(), 0)
    },
  )

  await t.test('without any process the answer is a problem document', async (t) => {
    const answer = await call('GET', '/posts')
    t.equal(answer.status, 503)
    t.match(answer.headers, { 'content-type': 'application/problem+json', 'retry-after': '2' })
    t.match(JSON.parse(answer.text), {
      code: 'OVERLOADED',
      status: 503,
      instance: answer.headers['x-request-id'],
    })
  })
})

/** Does what systemd would with the unit and its file of variables, but for the user and the sandbox. */
async function startUnit(t: Test, port: number, databaseUrl: string): Promise<Running> {
  const unit = await readFile(join(DEPLOY, 'social-api@.service'), 'utf8')
  const setting = (name: string) =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
  t.same(setting('WorkingDirectory'), ['/srv/social-api'])
  t.same(setting('EnvironmentFile'), ['/etc/social-api.env'])
  const file = await readFile(join(DEPLOY, 'social-api.env.example'), 'utf8')
  const lines = [...setting('Environment'), ...file.split('\n').filter((line) => /^[A-Z]/.test(line))]
  const env = Object.fromEntries(
    lines.map((line) => line.replaceAll('%i', String(port)).split(/=(.*)/s, 2) as [string, string]),
  )
  t.equal(env.JWT_SECRET, '', 'the file has no secret of its own')
  const [start = ''] = setting('ExecStart')
  const command = start.split(' ')
  t.equal(command[0], '/usr/bin/node')
  command[0] = process.execPath
  const service = run(t, command, {
    ...env,
    DATABASE_URL: databaseUrl,
    JWT_SECRET: 'an own secret for this test, 32 bytes or more',
    BCRYPT_COST: '12',
  })
  await service.says(/Server listening/)
  return service
}

async function startNginx(t: Test, ports: { one: number; two: number; tls: number; plain: number }) {
  const dir = await mkdtemp(join(tmpdir(), 'nginx-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'certificate.pem')]
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`, '-keyout', key, '-out', certificate],
  ])
  const accessLog = join(dir, 'access.log')
  let site = await readFile(join(DEPLOY, 'nginx.conf'), 'utf8')
  for (const [theirs, ours] of [
    ['127.0.0.1:3001', `127.0.0.1:${ports.one}`],
    ['127.0.0.1:3002', `127.0.0.1:${ports.two}`],
    ['listen 80;', `listen 127.0.0.1:${ports.plain};`],
    ['listen 443 ', `listen 127.0.0.1:${ports.tls} `],
    ['/etc/letsencrypt/live/api.example.com/fullchain.pem', certificate],
    ['/etc/letsencrypt/live/api.example.com/privkey.pem', key],
    ['/var/log/nginx/social-api.log', accessLog],
  ] as const) {
    t.equal(site.split(theirs).length, 2, `${theirs} is there once`)
    site = site.replace(theirs, ours)
  }
  await writeFile(join(dir, 'site.conf'), site)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(dir, name)};`)
    .join('\n')
  const main = join(dir, 'nginx.conf')
  await writeFile(
    main,
    `daemon off; worker_processes 1; pid ${join(dir, 'pid')}; error_log stderr;
    events { worker_connections 512; }
    http { ${temporary} include ${join(dir, 'site.conf')}; }`,
  )
  // As root, nginx's worker is somebody else, who has to get at the folder.
  if (process.getuid?.() === 0) await chmod(dir, 0o755)
  const nginx = run(t, ['nginx', '-p', dir, '-c', main], {}, dir)
  while (!(await accepts(ports.tls))) {
    if (nginx.child.exitCode !== null) throw new Error(nginx.output())
    await sleep(20)
  }
  return { certificate: await readFile(certificate, 'utf8'), accessLog }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

interface Call {
  body?: string
  type?: string
  token?: string
  headers?: Record<string, string>
}

/** Calls over TLS, trusting the test's certificate alone. */
function caller(port: number, ca: string) {
  return async (method: string, path: string, { body, type, token, headers }: Call = {}) => {
    const options: RequestOptions = {
      ...{ host: '127.0.0.1', port, path, method, ca, servername: NAME },
      headers: {
        host: NAME,
        ...(type && { 'content-type': type }),
        ...(token && { authorization: `Bearer ${token}` }),
        ...headers,
      },
    }
    const request = httpsRequest(options)
    request.end(body)
    const [response] = await once(request, 'response')
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    return {
      status: response.statusCode as number,
      headers: response.headers as Record<string, string>,
      text,
    }
  }
}

function count(program: Running, pattern: RegExp): number {
  return program.output().match(pattern)?.length ?? 0
}
