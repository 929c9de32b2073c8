import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chown, mkdir, open, writeFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { asAccount, assertReachable, dataArgument, postgresAccount, postgresEnv } from './account.ts'
import { findBinaries } from './binaries.ts'
import { SUPERUSER } from './connect.ts'
import { EmbeddedPostgresError } from './errors.ts'
import type { ClusterFolder } from './folder.ts'

/** Makes a cluster, with a password of its own, in a folder that does not exist yet. */
export async function runInitdb(folder: ClusterFolder, durable: boolean): Promise<void> {
  const account = await postgresAccount(folder.data)
  const { initdb } = await findBinaries(account)
  await mkdir(folder.home, { mode: 0o700 })
  await mkdir(folder.data, { mode: 0o700 })
  await writeFile(folder.password, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  // For as long as initdb runs the file is its account's, which may not be able to walk the path to it either:
  // so it gets it opened, as its standard input.
  if (account) for (const file of [folder.data, folder.password]) await chown(file, account.uid, account.gid)
  await assertReachable(folder.data, account)
  const password = await open(folder.password)
  try {
    const child = spawn(initdb, initdbArguments(dataArgument(folder.data, account), durable), {
      ...asAccount(account),
      cwd: folder.data,
      env: postgresEnv(),
      stdio: [password.fd, 'ignore', 'pipe'],
    })
    const [complaint, [status]] = await Promise.all([text(child.stderr as Readable), once(child, 'exit')])
    if (status !== 0)
      throw new EmbeddedPostgresError(`initdb could not create a database cluster: ${complaint.trim()}`)
  } finally {
    await password.close()
  }
  if (account) await chown(folder.password, 0, 0)
  if (durable) await sync(folder.password)
}

/** UTF-8 whatever the locale; `lower('É')` is `é` by Postgres's own tables, on every system alike. */
function initdbArguments(data: string, durable: boolean): string[] {
  return [
    ...['-D', data, '-U', SUPERUSER, '--auth=scram-sha-256', '--pwfile=/dev/stdin'],
    ...['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...(durable ? [] : ['--no-sync']),
  ]
}

async function sync(file: string): Promise<void> {
  const handle = await open(file)
  await handle.sync().finally(() => handle.close())
}
