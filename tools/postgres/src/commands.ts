import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { attachPostgres } from './attach.ts'
import { connectIfRunning } from './connect-if-running.ts'
import { defaultDataDir } from './data-dir.ts'
import { EmbeddedPostgresError, readCode } from './errors.ts'
import { clusterIn } from './folder.ts'
import { listTables, runStatements, showTable } from './inspect.ts'
import { countAttached } from './lock.ts'
import { readPidFile } from './postmaster.ts'
import { connectPsql, hasPsql, readStatement } from './psql.ts'
import { type Provision, runCommand } from './run.ts'
import { resetPostgres, type StopResult, stopPostgres } from './stop.ts'
import { startTemporaryPostgres } from './temporary.ts'

const print = (message: string) => void process.stdout.write(`${message}\n`)
// Standard output belongs to the command that runs.
const log = (message: string) => void process.stderr.write(`${message}\n`)

export async function start(): Promise<void> {
  const dir = defaultDataDir()
  const server = await attachPostgres({ dir, log: print })
  // Exclusive, because root must not follow a link that the folder's owner may have created.
  await writeFile(clusterIn(dir).keepRunning, '', { flag: 'wx' }).catch((error) => {
    if (readCode(error) !== 'EEXIST') throw error
  })
  await server.leave()
  print(`Its URL is ${server.url}`)
  print(
    server.started
      ? 'It keeps running until you run `npm run db:stop`.'
      : 'It was already running. It keeps running until you run `npm run db:stop`.',
  )
}

export async function stop(force: boolean): Promise<void> {
  const result = await stopPostgres({ dir: defaultDataDir(), force })
  refuseIfInUse(result, 'It stops when the last of them ends. To stop it immediately, use --force.')
  print(
    result.outcome === 'stopped'
      ? 'The embedded Postgres has stopped.'
      : 'The embedded Postgres is not running.',
  )
}

export async function reset(force: boolean): Promise<void> {
  if (process.env.DATABASE_URL) {
    throw new EmbeddedPostgresError(
      'DATABASE_URL is set, but reset deletes only the embedded Postgres. Unset DATABASE_URL first.',
    )
  }
  const dir = defaultDataDir()
  refuseIfInUse(await resetPostgres({ dir, force }), 'Stop them first, or use --force.')
  print(`Deleted the database cluster in ${clusterIn(dir).home}`)
}

function refuseIfInUse({ outcome, attached }: StopResult, wayOut: string): void {
  if (outcome !== 'in use') return
  const users = attached === 1 ? '1 process uses' : `${attached} processes use`
  throw new EmbeddedPostgresError(`${users} the embedded Postgres. ${wayOut}`)
}

export async function status(): Promise<void> {
  const folder = clusterIn(defaultDataDir())
  const client = await connectIfRunning(folder, Date.now() + 10_000)
  if (!client) {
    print(`The embedded Postgres in ${folder.home} is not running.`)
    process.exitCode = 3
    return
  }
  try {
    const server = await readPidFile(folder)
    const { rows } = await client.query('show server_version')
    print(`Postgres ${rows[0].server_version} (process ${server?.pid}) listens on 127.0.0.1:${server?.port}`)
    print(`Data: ${folder.home}`)
    const keepsRunning = existsSync(folder.keepRunning)
      ? '; it keeps running until you run `npm run db:stop`'
      : ''
    print(`Attached processes: ${await countAttached(client)}${keepsRunning}`)
  } finally {
    await client.end()
  }
}

export function run(command: readonly string[], temporary: boolean): Promise<void> {
  return runCommand(command, temporary ? provideTemporary : provideUrl)
}

async function provideUrl(): Promise<Provision> {
  const { env } = process
  if (env.DATABASE_URL) return { env, end: async () => {} }
  const server = await attachPostgres({ dir: defaultDataDir(), log })
  return { env: { ...env, DATABASE_URL: server.url }, end: () => server.leave() }
}

async function provideTemporary(): Promise<Provision> {
  const { DATABASE_URL: _, ...env } = process.env
  const server = await startTemporaryPostgres()
  return { env: { ...env, TEST_POSTGRES_URL: server.url }, end: () => server.remove() }
}

/** Starts psql on the database. Without psql, runs the statement of `-c`. */
export async function psql(args: readonly string[]): Promise<void> {
  if (!hasPsql()) {
    const statement = readStatement(args)
    return printFromDatabase((url) => runStatements(url, statement))
  }
  return runCommand(['psql', ...args], async () => {
    const { env, end } = await provideUrl()
    const connection = connectPsql(env.DATABASE_URL ?? '', env)
    return { args: connection.args, env: connection.env, end }
  })
}

/** Prints the tables, or the first rows of one. */
export function show(table?: string, limit?: number): Promise<void> {
  return printFromDatabase((url) => (table === undefined ? listTables(url) : showTable(url, table, limit)))
}

async function printFromDatabase(read: (url: string) => Promise<string>): Promise<void> {
  const { env, end } = await provideUrl()
  try {
    process.stdout.write(await read(env.DATABASE_URL ?? ''))
  } finally {
    await end()
  }
}

/** Keeps the server running for a command that starts and stops processes which attach to it themselves. */
export function hold(command: readonly string[]): Promise<void> {
  return runCommand(command, async () => {
    const { env } = process
    if (env.DATABASE_URL) return { env, end: async () => {} }
    const server = await attachPostgres({ dir: defaultDataDir(), log })
    return { env, end: () => server.leave() }
  })
}
