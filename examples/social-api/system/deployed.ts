import { deepEqual, equal } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { CHECKOUT, type Running, run } from '../../../test-support/process.ts'

export const HOW_TO = resolve(CHECKOUT, 'docs/how-to')
export const NAME = 'api.example.com'

/** Starts the service as systemd does with the unit and its environment file, except for the user and the sandbox. */
export async function startUnit(
  t: Test,
  port: number,
  variables: Record<string, string>,
  envFile = 'deploy/social-api.env.example',
): Promise<Running> {
  const unit = await readFile(join(HOW_TO, 'deploy/social-api@.service'), 'utf8')
  const setting = (name: string) =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
  deepEqual(setting('WorkingDirectory'), ['/srv/social-api'])
  deepEqual(setting('EnvironmentFile'), ['/etc/social-api.env'])
  const file = await readFile(join(HOW_TO, envFile), 'utf8')
  const lines = [...setting('Environment'), ...file.split('\n').filter((line) => /^[A-Z]/.test(line))]
  const env = Object.fromEntries(
    lines.map((line) => line.replaceAll('%i', String(port)).split(/=(.*)/s, 2) as [string, string]),
  )
  equal(env.JWT_SECRET, '', 'the file has no secret')
  const [start = ''] = setting('ExecStart')
  const command = start.split(' ')
  equal(command[0], '/usr/bin/node')
  command[0] = process.execPath
  const service = run(t, command, { ...env, ...variables })
  await service.waitForOutput(/Server listening/)
  return service
}

interface Ports {
  one: number
  two: number
  tls: number
  plain: number
}

/** Starts nginx with the how-to's file, after replacing its ports and paths. */
export async function startNginx(t: Test, ports: Ports) {
  const dir = await mkdtemp(join(tmpdir(), 'nginx-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'certificate.pem')]
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME},IP:127.0.0.1`],
    ...['-keyout', key, '-out', certificate],
  ])
  const accessLog = join(dir, 'access.log')
  const site = await adaptFile('deploy/nginx.conf', [
    ['127.0.0.1:3001', `127.0.0.1:${ports.one}`],
    ['127.0.0.1:3002', `127.0.0.1:${ports.two}`],
    ['listen 80;', `listen 127.0.0.1:${ports.plain};`],
    ['listen 443 ', `listen 127.0.0.1:${ports.tls} `],
    ['/etc/letsencrypt/live/api.example.com/fullchain.pem', certificate],
    ['/etc/letsencrypt/live/api.example.com/privkey.pem', key],
    ['/var/log/nginx/social-api.log', accessLog],
  ])
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
  // Under root, nginx's worker has another account, which needs access to the folder.
  if (process.getuid?.() === 0) await chmod(dir, 0o755)
  const nginx = run(t, ['nginx', '-p', dir, '-c', main], {}, { cwd: dir })
  await waitUntilAccepting(nginx, ports.tls)
  return { certificateFile: certificate, certificate: await readFile(certificate, 'utf8'), accessLog }
}

/** Returns a file of the how-to with these replacements. Each text must occur once. */
export async function adaptFile(
  file: string,
  changes: readonly (readonly [string, string])[],
): Promise<string> {
  let text = await readFile(join(HOW_TO, file), 'utf8')
  for (const [theirs, ours] of changes) {
    equal(text.split(theirs).length, 2, `${theirs} occurs once`)
    text = text.replace(theirs, () => ours)
  }
  return text
}

/** Waits until a program accepts connections at this port. */
export async function waitUntilAccepting(program: Running, port: number): Promise<void> {
  while (!(await accepts(port))) {
    if (program.child.exitCode !== null || program.child.signalCode !== null)
      throw new Error(program.output())
    await sleep(20)
  }
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

/** Returns a function that sends requests over TLS, and trusts only the certificate of the test. */
export function createCaller(port: number, ca: string) {
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

/** Returns how often the pattern matches in a text, or in the output of a program. */
export function count(source: Running | string, pattern: RegExp): number {
  return (typeof source === 'string' ? source : source.output()).match(pattern)?.length ?? 0
}
