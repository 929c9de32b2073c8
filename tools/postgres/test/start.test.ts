import { appendFile, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import t, { type Test } from 'tap'
import { clusterIn } from '../src/folder.ts'
import { attachPostgres } from '../src/index.ts'
import { dataDir, readRows, writeRow } from './support.ts'

// A stopped cluster, which the tests use one after the other.
const dir = await dataDir(t)
const folder = clusterIn(dir)
const first = await attachPostgres({ dir, durable: false })
await writeRow(first.url, 'kept')
await first.leave()

async function breakConfiguration(): Promise<{ repair(): Promise<void> }> {
  const file = path.join(folder.data, 'postgresql.conf')
  const { size } = await stat(file)
  await appendFile(file, 'no_such_setting = 1\n')
  return { repair: () => truncate(file, size) }
}

async function nothingIsLost(t: Test): Promise<void> {
  const server = await attachPostgres({ dir, durable: false })
  t.same(await readRows(server.url), ['kept'], 'no row is lost')
  await server.leave()
}

t.test('a data folder of another major version is rejected, and not changed', async (t) => {
  const file = path.join(folder.data, 'PG_VERSION')
  const version = await readFile(file, 'utf8')
  await writeFile(file, '17\n')
  await t.rejects(attachPostgres({ dir }), {
    name: 'EmbeddedPostgresError',
    message:
      /was created by Postgres 17, but the embedded Postgres is 18\.\d+\. To start over, move the folder aside/,
  })
  await writeFile(file, version)
  await nothingIsLost(t)
})

t.test('a data folder that cannot be created is an error, and nested folders are created', async (t) => {
  const file = path.join(dir, 'a-file')
  await writeFile(file, '')
  for (const [place, code] of [
    [file, 'EEXIST'],
    [path.join(file, 'under'), 'ENOTDIR'],
    ['/proc/nothing/under', 'ENOENT'],
  ] as const)
    await t.rejects(attachPostgres({ dir: place }), {
      name: 'EmbeddedPostgresError',
      message: `The data folder ${place} cannot be created (${code}). Set AUTH_PRIMER_DATA_DIR to a folder that exists or can be created.`,
    })
  const deep = path.join(dir, 'some/folders/deep')
  const server = await attachPostgres({ dir: deep, durable: false })
  await server.leave()
  t.ok((await stat(deep)).isDirectory())
})

t.test('a missing password file is an error', async (t) => {
  await rename(folder.password, `${folder.password}.away`)
  await t.rejects(attachPostgres({ dir }), {
    name: 'EmbeddedPostgresError',
    message: /^The password of .* is missing\. Put it back/,
  })
  await rename(`${folder.password}.away`, folder.password)
  await nothingIsLost(t)
})

t.test('a running server that rejects the password is an error', async (t) => {
  const server = await attachPostgres({ dir, durable: false })
  const password = await readFile(folder.password, 'utf8')
  await writeFile(folder.password, 'another')
  const attached = attachPostgres({ dir, timeoutMs: 200 })
  await t.rejects(attached, {
    name: 'EmbeddedPostgresError',
    message: /\(process \d+\) is running but not responding: password authentication failed/,
  })
  await attached.catch((error) => t.notMatch(error.message, /another/))
  await writeFile(folder.password, password)
  await server.leave()
  await nothingIsLost(t)
})

t.test('if Postgres does not start, the error has the last lines of its log', async (t) => {
  const { repair } = await breakConfiguration()
  await t.rejects(attachPostgres({ dir, timeoutMs: 3_000 }), {
    name: 'EmbeddedPostgresError',
    message:
      /did not start within 3 s\. Its log, .*\n.*unrecognized configuration parameter "no_such_setting"/s,
  })
  await repair()
  await nothingIsLost(t)
})

t.test('a failed start is retried, and succeeds when the cause is removed', async (t) => {
  const { repair } = await breakConfiguration()
  const messages: string[] = []
  const server = await attachPostgres({
    dir,
    durable: false,
    log: (message) => {
      messages.push(message)
      void repair()
    },
  })
  t.match(messages, ['Postgres has not started yet, trying again', /^Postgres 18\.\d+ listens on/])
  await server.leave()
  await nothingIsLost(t)
})

t.test('the log is short, and the previous one is kept', async (t) => {
  await appendFile(folder.log, Buffer.alloc(1_100_000, 'x'))
  await (await attachPostgres({ dir, durable: false })).leave()
  t.ok((await stat(`${folder.log}.old`)).size > 1_100_000)
  t.ok((await stat(folder.log)).size < 100_000)
  await nothingIsLost(t)
})
