import { chmod, mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { platform } from '../src/platform/index.ts'
import { createWin32Platform, findAsciiPath, renamePatiently } from '../src/platform/win32.ts'
import { attachProcess, dataDir, installCopy, isRoot, runToEnd } from '../test/support.ts'

// The implementation for Windows, on this system: pg_ctl, initdb and Postgres are the real ones, started by their own commands
// as on Windows. whoami and icacls are stand-ins, which record how they are called.

const place = await dataDir(t)
await chmod(place, 0o755)
const dist = await installCopy(path.join(place, 'checkout'))
// Creates the links of the libraries, which only Linux and macOS need.
await (await attachProcess(path.join(place, 'first'), { dist })).leave()

const user = isRoot ? { uid: 65534, gid: 65534 } : {}
const own = path.join(place, 'Zoë’s folder')
const programData = path.join(place, 'ProgramData')
const calls = path.join(own, 'calls')
const bin = path.join(place, 'bin')
for (const dir of [own, programData, bin]) await mkdir(dir)
await writeFile(path.join(bin, 'whoami'), '#!/bin/sh\necho \'"pc\\zoë","S-1-5-21-1-2-3-1001"\'\n', {
  mode: 0o755,
})
await writeFile(
  path.join(bin, 'icacls'),
  `#!/bin/sh\nprintf '%s|' "$@" >> '${calls}'\necho >> '${calls}'\n`,
  {
    mode: 0o755,
  },
)
if (isRoot) await runToEnd('chown', ['65534:65534', own, programData])

/** Runs a program with the implementation for Windows. Postgres does not run as root. */
async function runOnWin32(program: string, ...args: string[]) {
  const text = `
    const { platform } = await import('${dist}/platform/index.js')
    const { createWin32Platform, renamePatiently } = await import('${dist}/platform/win32.js')
    Object.assign(platform, createWin32Platform(platform.binariesPackage))
    const { attachPostgres, loadOrCreateSecret, resetPostgres, stopPostgres } = await import('${dist}/index.js')
    const dir = process.argv[1]
    ${program}`
  const env = { PATH: `${bin}:${process.env.PATH}`, ProgramData: programData, PGPORT: '1', PGDATA: '/none' }
  return runToEnd(process.execPath, ['--input-type=module', '-e', text, ...args], { env, cwd: '/', ...user })
}

t.test(
  'for Windows, pg_ctl starts and stops Postgres, under a path with spaces and special letters',
  async (t) => {
    const { code, stdout, stderr } = await runOnWin32(
      `const { default: pg } = await import('${path.join(place, 'checkout/node_modules/pg/lib/index.js')}')
     const first = await attachPostgres({ dir, durable: false, maxConnections: 17 })
     const second = await attachPostgres({ dir })
     const client = new pg.Client({ connectionString: first.url })
     await client.connect()
     const { rows } = await client.query(
       "select current_setting('max_connections') as most, current_setting('fsync') as fsync, current_setting('TimeZone') as zone")
     await client.end()
     await first.leave()
     const states = [second.started, (await stopPostgres({ dir })).outcome]
     await second.leave()
     states.push((await stopPostgres({ dir })).outcome)
     const again = await attachPostgres({ dir, durable: false })
     states.push(again.started, again.url !== first.url)
     await again.leave()
     console.log(JSON.stringify([...Object.values(rows[0]), ...states]))`,
      path.join(own, 'data'),
    )
    t.equal(stderr, '')
    t.equal(code, 0)
    t.same(JSON.parse(stdout), ['17', 'off', 'UTC', false, 'in use', 'not running', true, true])
    const [link = ''] = await readdir(programData)
    t.equal(await readlink(path.join(programData, link)), own, 'Postgres got a path without special letters')
  },
)

t.test('for Windows, only the user has access to the cluster and to a secret', async (t) => {
  const { code, stderr } = await runOnWin32(
    `await loadOrCreateSecret(dir, 'jwt-secret')`,
    path.join(own, 'secret'),
  )
  t.same([code, stderr], [0, ''])
  const lines = (await readFile(calls, 'utf8')).trim().split('\n')
  const rights = '|/inheritance:r|/grant:r|*S-1-5-21-1-2-3-1001:(OI)(CI)F|/q|'
  t.ok(lines.every((line) => line.endsWith(rights)))
  const files = lines.map((line) => line.split('|')[0] ?? '')
  t.match(files[0], /data\/postgres\.\d+\.[0-9a-f]+$/, 'before the password is written')
  for (const name of ['postgres', 'postgres/data', 'postgres/password'])
    t.ok(files.includes(path.join(own, 'data', name)), name)
  t.match(files.at(-1), /secret\/jwt-secret\.[0-9a-f]+$/)
})

t.test('for Windows, reset stops Postgres before it moves the folder', async (t) => {
  const { code, stdout, stderr } = await runOnWin32(
    `const { writeFile } = await import('node:fs/promises')
     const server = await attachPostgres({ dir, durable: false })
     await writeFile(dir + '/postgres/keep-running', '')
     await server.leave()
     console.log((await resetPostgres({ dir })).outcome)`,
    path.join(own, 'data'),
  )
  t.same([code, stdout, stderr], [0, 'stopped\n', ''])
  t.same(await readdir(path.join(own, 'data')), [])
})

t.test('for Windows, a server that cannot start is an error with its log', async (t) => {
  const { stderr } = await runOnWin32(
    `const { appendFile } = await import('node:fs/promises')
     await (await attachPostgres({ dir, durable: false })).leave()
     await appendFile(dir + '/postgres/data/postgresql.conf', 'no_such_setting = 1')
     await attachPostgres({ dir, timeoutMs: 1000 }).catch(({ message }) => console.error(message))`,
    path.join(own, 'broken'),
  )
  t.match(
    stderr,
    /did not start within 1 s\. Its log, .*\n.*unrecognized configuration parameter "no_such_setting"/s,
  )
})

t.test('a rename waits for a folder that a virus scanner has open, and not for ever', async (t) => {
  const locked = path.join(own, 'locked')
  const { code, stdout, stderr } = await runOnWin32(
    `const { chmod, mkdir, readdir } = await import('node:fs/promises')
     await mkdir(dir + '/new', { recursive: true })
     await chmod(dir, 0o555)
     const codes = [await renamePatiently(dir + '/new', dir + '/moved', 100).catch(({ code }) => code)]
     setTimeout(() => chmod(dir, 0o755), 100)
     await renamePatiently(dir + '/new', dir + '/moved', 60_000)
     console.log(JSON.stringify([...codes, ...(await readdir(dir))]))`,
    locked,
  )
  t.same([code, stdout, stderr], [0, '["EACCES","moved"]\n', ''])
  // Windows reports EPERM for a folder that exists.
  await t.rejects(renamePatiently(`${locked}/.`, place, 60_000), { code: 'EEXIST' })
  await t.rejects(renamePatiently(path.join(own, 'none'), path.join(own, 'some'), 60_000), { code: 'ENOENT' })
})

t.test('only a path with special letters is replaced by a link, which must lead to it', async (t) => {
  const links = path.join(place, 'links')
  await mkdir(links)
  t.equal(await findAsciiPath('/a b/c', links), '/a b/c')
  t.same(await readdir(links), [])
  const short = await findAsciiPath(`${own}/data/base`, links)
  t.match(short, /^[ -~]+\/links\/auth-primer-[0-9a-f]{16}\/data\/base$/)
  t.equal(await findAsciiPath(`${own}/data/base`, links), short, 'the same link each time')
  t.equal((await stat(path.dirname(path.dirname(short)))).ino, (await stat(own)).ino)
  t.equal(await findAsciiPath(`${own}/data`, undefined), `${own}/data`, 'without a folder for links')
  const [link = ''] = await readdir(links)
  await runToEnd('ln', ['-sfn', place, path.join(links, link)])
  await t.rejects(findAsciiPath(`${own}/data`, links), { message: /must be a link to / })
})

t.test('psql is found by the endings of Windows', async (t) => {
  const win32 = createWin32Platform(platform.binariesPackage)
  t.same(win32.listProgramFiles('psql', { PATHEXT: '.EXE;.CMD' }), ['psql.EXE', 'psql.CMD'])
  t.ok(win32.listProgramFiles('psql', {}).includes('psql.EXE'))
})
