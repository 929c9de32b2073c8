import { randomBytes } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { SUPERUSER } from './connect.ts'
import type { ClusterFolder } from './folder.ts'
import { platform } from './platform/index.ts'

/** UTF-8, whatever the locale is. By Postgres's own tables, `lower('É')` is `é` on every system. */
const OPTIONS = [
  ...['-U', SUPERUSER, '--auth=scram-sha-256', '-E', 'UTF8'],
  ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
]

/** Creates a cluster with a new password, in a folder that does not exist yet. */
export async function runInitdb(folder: ClusterFolder, durable: boolean): Promise<void> {
  const binaries = await platform.findBinaries(folder)
  await mkdir(folder.home, { mode: 0o700 })
  await platform.restrictToOwner(folder.home)
  await mkdir(folder.data, { mode: 0o700 })
  await writeFile(folder.password, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  await platform.runInitdb(binaries, folder, durable ? OPTIONS : [...OPTIONS, '--no-sync'])
  if (durable) await sync(folder.password)
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  await handle.sync().finally(() => handle.close())
}
