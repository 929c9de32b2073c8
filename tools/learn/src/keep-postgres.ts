import { type AttachedPostgres, attachPostgres, defaultDataDir } from '@auth-primer/tool-postgres'
import pg from 'pg'
import { assertReachable, configuredPostgresUrl } from './configured-postgres.ts'

export interface KeptPostgres {
  /** Returns its URL, and starts it if it does not run. */
  url(): Promise<string>
  /** Stops what was started here. */
  release(): Promise<void>
}

/** Keeps one Postgres for many checks. Calls `onStop` if it stops by itself. */
export function keepPostgres(log: (line: string) => void, onStop: () => void): KeptPostgres {
  const configured = configuredPostgresUrl()
  const attached: AttachedPostgres[] = []
  let current: Promise<string> | undefined
  let watcher: pg.Client | undefined
  let isReleased = false

  async function attach(): Promise<string> {
    const server = await attachPostgres({ dir: defaultDataDir(), log })
    attached.push(server)
    watcher = new pg.Client({ connectionString: server.url })
    watcher.on('error', () => {})
    watcher.once('end', () => {
      current = undefined
      if (!isReleased) onStop()
    })
    await watcher.connect()
    await deleteOrphans(watcher)
    return server.url
  }

  return {
    async url() {
      if (configured) {
        await assertReachable(configured)
        return configured
      }
      current ??= attach()
      current.catch(() => {
        current = undefined
      })
      return current
    },
    async release() {
      isReleased = true
      await current?.catch(() => {})
      if (watcher) await deleteOrphans(watcher).catch(() => {})
      await watcher?.end().catch(() => {})
      for (const server of attached) await server.leave()
    },
  }
}

/** Deletes the databases of checks that were killed. */
async function deleteOrphans(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(
    "select datname from pg_database where datname ~ '^test_\\d+_[0-9a-f]{8}$'",
  )
  for (const { datname } of rows) {
    if (!isAlive(Number(datname.split('_')[1])))
      await client.query(`drop database if exists ${datname} with (force)`)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
