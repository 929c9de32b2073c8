import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { attachPostgres } from './attach.ts'
import { connectIfRunning } from './connect-if-running.ts'
import { defaultDataDir } from './data-dir.ts'
import { codeOf, EmbeddedPostgresError } from './errors.ts'
import { clusterIn } from './folder.ts'
import { countAttached } from './lock.ts'
import { readPidFile } from './postmaster.ts'
import { type Provision, runCommand } from './run.ts'
import { resetPostgres, type StopResult, stopPostgres } from './stop.ts'
import { temporaryPostgres } from './temporary.ts'

const say = (message: string) => void process.stdout.write(`${message}\n`)
// Standard output is the command's own where there is one.
const report = (message: string) => void process.stderr.write(`${message}\n`)

export async function start(): Promise<void> {
  const dir = defaultDataDir()
  const server = await attachPostgres({ dir, log: say })
  // Exclusive, as root follows no link that the folder's owner may have put there.
  await writeFile(clusterIn(dir).keepRunning, '', { flag: 'wx' }).catch((error) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  await server.leave()
  say(
    server.started
      ? 'It runs until `npm run db:stop`.'
      : 'It ran already, and now does until `npm run db:stop`.',
  )
}

export async function stop(force: boolean): Promise<void> {
  const result = await stopPostgres({ dir: defaultDataDir(), force })
  refuseIfInUse(result, 'It stops when the last of them leaves, or at once with --force.')
  say(
    result.outcome === 'stopped'
      ? 'The embedded Postgres has stopped.'
      : 'The embedded Postgres does not run.',
  )
}

export async function reset(force: boolean): Promise<void> {
  if (process.env.DATABASE_URL) {
    throw new EmbeddedPostgresError(
      'DATABASE_URL is set: reset deletes the embedded Postgres alone. Unset it first.',
    )
  }
  const dir = defaultDataDir()
  refuseIfInUse(await resetPostgres({ dir, force }), 'Stop them first, or use --force.')
  say(`Deleted the database cluster in ${clusterIn(dir).home}`)
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
    say(`The embedded Postgres in ${folder.home} does not run.`)
    process.exitCode = 3
    return
  }
  try {
    const server = await readPidFile(folder)
    const { rows } = await client.query('show server_version')
    say(`Postgres ${rows[0].server_version} (process ${server?.pid}) listens on 127.0.0.1:${server?.port}`)
    say(`Data: ${folder.home}`)
    const stays = existsSync(folder.keepRunning) ? '; it runs until `npm run db:stop`' : ''
    say(`Attached processes: ${await countAttached(client)}${stays}`)
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
  const server = await attachPostgres({ dir: defaultDataDir(), log: report })
  return { env: { ...env, DATABASE_URL: server.url }, end: () => server.leave() }
}

async function provideTemporary(): Promise<Provision> {
  const { DATABASE_URL: _, ...env } = process.env
  const server = await temporaryPostgres()
  return { env: { ...env, TEST_POSTGRES_URL: server.url }, end: () => server.remove() }
}

/** Keeps the server up for a command that starts and stops processes which attach to it by themselves. */
export function hold(command: readonly string[]): Promise<void> {
  return runCommand(command, async () => {
    const { env } = process
    if (env.DATABASE_URL) return { env, end: async () => {} }
    const server = await attachPostgres({ dir: defaultDataDir(), log: report })
    return { env, end: () => server.leave() }
  })
}
