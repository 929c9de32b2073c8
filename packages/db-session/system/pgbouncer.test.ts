import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t from 'tap'
import { freePort } from './cluster.ts'
import { runSuite } from './suite.ts'

const database = await createTestDatabase()
const bouncer = await startPgBouncer(new URL(database.adminUrl))
t.teardown(async () => {
  bouncer.kill()
  await once(bouncer.process, 'exit')
  await rm(bouncer.folder, { recursive: true })
  await database.drop()
})

t.test('the tests of the package through PgBouncer in transaction mode', (t) => {
  runSuite(
    t,
    { TEST_POSTGRES_URL: database.adminUrl, DB_SESSION_TEST_VIA: `127.0.0.1:${bouncer.port}` },
    {
      'index.test.ts': 'has no database',
      'unknown-options.test.ts': 'has no statement that depends on the connection',
      'private-parts.test.ts': 'has no session',
    },
  )
  t.end()
})

async function startPgBouncer(
  server: URL,
): Promise<{ process: ChildProcess; port: number; folder: string; kill(): void }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'db-session-pgbouncer-'))
  const port = await freePort()
  const config = path.join(folder, 'pgbouncer.ini')
  await writeFile(
    config,
    `[databases]
* = host=${server.hostname} port=${server.port} user=${server.username} password=${decodeURIComponent(server.password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 500
default_pool_size = 50
`,
  )
  await chmod(folder, 0o755)
  await chmod(config, 0o644)
  // it refuses to run as root
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn('pgbouncer', [...user, config], { stdio: 'ignore' })
  for (;;) {
    const socket = net.connect(port, '127.0.0.1')
    const [what] = await Promise.race([
      once(socket, 'connect').then(
        () => ['up'],
        () => ['no'],
      ),
      once(socket, 'close').then(
        () => ['no'],
        () => ['no'],
      ),
    ])
    socket.destroy()
    if (what === 'up') break
    if (child.exitCode !== null) throw new Error('PgBouncer did not start: is it installed?')
  }
  return { process: child, port, folder, kill: () => child.kill() }
}
