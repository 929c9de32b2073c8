import { chmod, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../../test-support/ports.ts'
import { run } from '../../../test-support/process.ts'
import { buildOffline } from '../../../test-support/social-api.ts'
import { KEY } from '../test/setup.ts'

const app = await buildOffline(t, { xrayKey: KEY })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const { port } = new URL(url)
const cookie = `xray-${port}=${KEY}`

t.test('an nginx with only `proxy_pass` does not reach X-ray, with or without the key', async (t) => {
  const proxy = await startNginx(t, `proxy_pass http://127.0.0.1:${port};`)
  t.equal((await fetch(`${proxy}/health`)).status, 200, 'it reaches the service')
  for (const path of ['/xray', `/xray?key=${KEY}`, '/xray/stream']) {
    t.equal((await fetch(proxy + path)).status, 404, path)
    t.equal((await fetch(proxy + path, { headers: { cookie } })).status, 404, `${path} with the cookie`)
  }
  const { status } = await fetch(`${proxy}/xray/bench/hash/edges`, {
    method: 'POST',
    headers: { cookie, origin: url },
  })
  t.equal(status, 404)
})

t.test('an nginx that speaks HTTP/1.1 and adds no header reaches X-ray only with the key', async (t) => {
  const proxy = await startNginx(
    t,
    `proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_set_header Connection "";`,
  )
  for (const path of ['/xray', '/xray?key=guessed', '/xray/main.js', '/xray/stream', '/xray/lessons'])
    t.equal((await fetch(proxy + path)).status, 404, path)
  t.equal((await fetch(`${proxy}/xray?key=${KEY}`)).status, 200, 'the how-to page warns about it')
})

/** Starts nginx with this `location /`, and nothing else. */
async function startNginx(t: Test, location: string): Promise<string> {
  const dir = t.testdir({})
  const port = await freePort()
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(dir, name)};`)
    .join(' ')
  await writeFile(
    join(dir, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${join(dir, 'pid')}; error_log stderr;
    events { worker_connections 64; }
    http { ${paths} access_log off; server { listen 127.0.0.1:${port}; location / { ${location} } } }`,
  )
  // As root, nginx's worker runs as another user.
  await chmod(dir, 0o777)
  run(t, ['nginx', '-p', dir, '-c', join(dir, 'nginx.conf')], {}, { cwd: dir })
  while (!(await accepts(port))) await new Promise(setImmediate)
  return `http://127.0.0.1:${port}`
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
