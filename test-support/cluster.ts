import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  chown,
  cp,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { attachPostgres } from '@auth-primer/tool-postgres'
import pg from 'pg'
import { freePort } from './ports.ts'
import type { Scope } from './process.ts'

/** A Postgres server for one test. Its port stays the same when it starts again. */
export class Cluster {
  readonly url: string
  readonly data: string
  readonly #program: string
  readonly #account: { uid: number; gid: number }
  readonly #port: string
  #process: ChildProcess | undefined

  constructor(url: string, data: string, program: string, account: { uid: number; gid: number }) {
    this.url = url
    this.data = data
    this.#program = program
    this.#account = account
    this.#port = new URL(url).port
  }

  get #log(): string {
    return path.join(this.data, '..', `log-${this.#port}`)
  }

  /** Returns everything that it has logged so far. */
  async log(): Promise<string> {
    return readFile(this.#log, 'utf8')
  }

  /** Starts the server; resolves when it accepts a query. */
  async start(settings: Record<string, string> = {}): Promise<void> {
    const all = {
      port: this.#port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '200',
      ...settings,
    }
    const log = await open(this.#log, 'a')
    const child = spawn(
      this.#program,
      ['-D', '/proc/self/cwd', ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        cwd: this.data,
        stdio: ['ignore', log.fd, log.fd],
        env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
        ...(process.getuid?.() === 0 && this.#account),
      },
    )
    await log.close()
    this.#process = child
    // a test that crashes runs no teardown
    const end = (): void => void child.kill('SIGQUIT')
    process.once('exit', end)
    child.once('exit', () => process.off('exit', end))
    await waitUntil(async () => {
      if (child.exitCode !== null) {
        throw new Error(`Postgres did not start:\n${(await this.log()).slice(-4_000)}`)
      }
      return this.query('select 1').then(
        () => true,
        () => false,
      )
    }, 'the start of Postgres')
  }

  /** Stops the server: `fast` ends all sessions and writes a checkpoint; `immediate` is like a crash, so the next start recovers. */
  async stop(mode: 'fast' | 'immediate'): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await exited
  }

  /** Runs a query on a new connection, so that it works after a restart. Returns the first column. */
  async query(sql: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: this.url })
    client.on('error', () => {})
    try {
      await client.connect()
      return [await client.query(sql)].flat().flatMap(({ rows }) => rows.map((row) => Object.values(row)[0]))
    } finally {
      await client.end().catch(() => {})
    }
  }

  /** Returns another cluster with the same data. This one must not be running. */
  async copy(): Promise<Cluster> {
    const data = `${this.data}-copy`
    await cp(this.data, data, { recursive: true, preserveTimestamps: true })
    await this.own(data)
    const url = new URL(this.url)
    url.port = String(await freePort())
    return new Cluster(url.href, data, this.#program, this.#account)
  }

  /** Returns a streaming replica of this cluster, which must not be running. */
  async standby(): Promise<Cluster> {
    const replica = await this.copy()
    const { hostname, port, username, password } = new URL(this.url)
    const conninfo = `host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}`
    await writeFile(path.join(replica.data, 'standby.signal'), '')
    await appendFile(path.join(replica.data, 'postgresql.auto.conf'), `\nprimary_conninfo = '${conninfo}'\n`)
    await replica.own(replica.data)
    return replica
  }

  /** Makes the account that Postgres runs as the owner of a file or folder. */
  async own(folder: string): Promise<void> {
    const { uid, gid } = this.#account
    await chown(folder, uid, gid)
    if (!(await stat(folder)).isDirectory()) return
    for (const entry of await readdir(folder, { recursive: true }))
      await chown(path.join(folder, entry), uid, gid)
  }
}

/**
 * Creates a cluster with the embedded Postgres's programs, not started. Its folder is removed at the end of the test.
 *
 * @param database - the name of a database to create; `url` then names it
 */
export async function createCluster(t: Scope, database?: string): Promise<Cluster> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'cluster-'))
  const made = await attachPostgres({ dir })
  const client = new pg.Client({ connectionString: made.url })
  await client.connect()
  const { rows } = await client.query('select pg_backend_pid() as pid')
  // the path that the server reports may not exist for this process
  const program = await readlink(`/proc/${rows[0].pid}/exe`)
  if (database !== undefined) await client.query(`create database ${client.escapeIdentifier(database)}`)
  await client.end()
  await made.leave()
  const { uid, gid } = await stat(made.dataDir)
  const url = new URL(made.url)
  url.port = String(await freePort())
  if (database !== undefined) url.pathname = database
  t.teardown(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  return new Cluster(url.href, made.dataDir, program, { uid, gid })
}

/** Waits until `check` returns true; calls it once per turn of the event loop. */
async function waitUntil(check: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
