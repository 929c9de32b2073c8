import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { freePort } from '../../../test-support/ports.ts'

export interface PgBouncer {
  /** Host and port. */
  readonly address: string
  stop(): Promise<void>
}

/** Starts a PgBouncer in transaction mode in front of a Postgres server. */
export async function startPgBouncer(server: URL): Promise<PgBouncer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'db-session-pgbouncer-'))
  const port = await freePort()
  const config = path.join(folder, 'pgbouncer.ini')
  const users = path.join(folder, 'users.txt')
  await writeFile(users, `"${server.username}" "${decodeURIComponent(server.password)}"\n`)
  await writeFile(
    config,
    `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
server_login_retry = 1
max_client_conn = 500
default_pool_size = 50
`,
  )
  await chmod(folder, 0o755)
  for (const file of [config, users]) await chmod(file, 0o644)
  // it refuses to run as root
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn('pgbouncer', [...user, config], { stdio: 'ignore' })
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error('PgBouncer did not start: is it installed?')
  }
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      child.kill()
      await once(child, 'exit')
      await rm(folder, { recursive: true })
    },
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
