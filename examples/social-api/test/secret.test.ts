import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadOrCreateSecret } from '../src/secret.ts'

const load = (dir: string) => loadOrCreateSecret(dir, 'jwt-secret')

t.test('a secret is made once, of 48 random bytes, and kept', async (t) => {
  const dir = join(await folder(t), 'not', 'there', 'yet')
  const made = await load(dir)
  t.match(made, { secret: /^[\w-]{64}$/, file: join(dir, 'jwt-secret'), isNew: true })
  t.equal(await readFile(made.file, 'utf8'), made.secret)

  const kept = await load(dir)
  t.same(kept, { ...made, isNew: false })
  t.same(await readdir(dir), ['jwt-secret'], 'and nothing else is left in the folder')
})

t.test('each name in a folder has its own secret', async (t) => {
  const dir = await folder(t)
  const [one, other] = [await load(dir), await loadOrCreateSecret(dir, 'xray-key')]
  t.not(one.secret, other.secret)
  t.same((await readdir(dir)).sort(), ['jwt-secret', 'xray-key'])
})

t.test('another folder has another secret', async (t) => {
  const [one, other] = [await load(await folder(t)), await load(await folder(t))]
  t.not(one.secret, other.secret)
})

t.test('its file is read and written by its owner alone', async (t) => {
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  const { file } = await load(await folder(t))
  t.equal((await stat(file)).mode & 0o777, 0o600)
})

t.test('a secret that is there is used as it is', async (t) => {
  const dir = await folder(t)
  await writeFile(join(dir, 'jwt-secret'), 'kept since long ago')
  t.match(await load(dir), { secret: 'kept since long ago', isNew: false })
})

t.test('of several who make one at once, one wins, and all use its secret', async (t) => {
  const dir = await folder(t)
  // Begun one after another, so that some write while others are done already.
  const making = []
  for (let count = 0; count < 40; count++) {
    making.push(load(dir))
    await new Promise(setImmediate)
  }
  const made = await Promise.all(making)
  t.equal(new Set(made.map(({ secret }) => secret)).size, 1)
  t.equal(made.filter(({ isNew }) => isNew).length, 1)
  t.match(made[0]?.secret, /^[\w-]{64}$/)
  t.same(await readdir(dir), ['jwt-secret'])
})

t.test('a folder that cannot be written to is an error, and no secret', async (t) => {
  const file = join(await folder(t), 'a-file')
  await writeFile(file, '')
  await t.rejects(load(file), { code: 'EEXIST' })
  await t.rejects(load(join(file, 'below')), { code: 'ENOTDIR' })
})

async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'secret-'))
  t.teardown(() => rm(dir, { recursive: true }))
  return dir
}
