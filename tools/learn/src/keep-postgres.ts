import { type AttachedPostgres, attachPostgres, defaultDataDir } from '@auth-primer/tool-postgres'
import pg from 'pg'
import { givenPostgres, mustAnswer } from './given-postgres.ts'

export interface KeptPostgres {
  /** Its address; starts it where it does not run. */
  url(): Promise<string>
  /** Lets go of it: what was started here stops. */
  leave(): Promise<void>
}

/** Keeps one Postgres for many checks. `onStop` is called when it goes away by itself. */
export function keepPostgres(log: (line: string) => void, onStop: () => void): KeptPostgres {
  const given = givenPostgres()
  const attached: AttachedPostgres[] = []
  let current: Promise<string> | undefined
  let watcher: pg.Client | undefined
  let left = false

  async function attach(): Promise<string> {
    const server = await attachPostgres({ dir: defaultDataDir(), log })
    attached.push(server)
    watcher = new pg.Client({ connectionString: server.url })
    watcher.on('error', () => {})
    watcher.once('end', () => {
      current = undefined
      if (!left) onStop()
    })
    await watcher.connect()
    await sweep(watcher)
    return server.url
  }

  return {
    async url() {
      if (given) {
        await mustAnswer(given)
        return given
      }
      current ??= attach()
      current.catch(() => {
        current = undefined
      })
      return current
    },
    async leave() {
      left = true
      await current?.catch(() => {})
      if (watcher) await sweep(watcher).catch(() => {})
      await watcher?.end().catch(() => {})
      for (const server of attached) await server.leave()
    },
  }
}

/** Deletes the databases of checks that were killed. */
async function sweep(client: pg.Client): Promise<void> {
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
