import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadOrCreateSecret } from '../src/secret.ts'

t.test('loadOrCreateSecret creates a secret of 48 random bytes once, and keeps it', async (t) => {
  const dir = join(await folder(t), 'not', 'there', 'yet')
  const made = await loadOrCreateSecret(dir, 'jwt-secret')
  t.match(made, { secret: /^[\w-]{64}$/, file: join(dir, 'jwt-secret'), isNew: true })
  t.equal(await readFile(made.file, 'utf8'), made.secret)

  const kept = await loadOrCreateSecret(dir, 'jwt-secret')
  t.same(kept, { ...made, isNew: false })
  t.same(await readdir(dir), ['jwt-secret'], 'nothing else is left in the folder')
})

t.test('two folders have different secrets', async (t) => {
  const [one, other] = [
    await loadOrCreateSecret(await folder(t), 'jwt-secret'),
    await loadOrCreateSecret(await folder(t), 'jwt-secret'),
  ]
  t.not(one.secret, other.secret)
})

t.test("only the owner can read and write the secret's file", async (t) => {
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  const { file } = await loadOrCreateSecret(await folder(t), 'jwt-secret')
  t.equal((await stat(file)).mode & 0o777, 0o600)
})

t.test('an existing secret is used as it is', async (t) => {
  const dir = await folder(t)
  await writeFile(join(dir, 'jwt-secret'), 'kept since long ago')
  t.match(await loadOrCreateSecret(dir, 'jwt-secret'), { secret: 'kept since long ago', isNew: false })
})

t.test('if several calls create a secret at once, one wins and all return its secret', async (t) => {
  const dir = await folder(t)
  // Started one after the other, so that some write while others have finished.
  const making = []
  for (let count = 0; count < 40; count++) {
    making.push(loadOrCreateSecret(dir, 'jwt-secret'))
    await new Promise(setImmediate)
  }
  const made = await Promise.all(making)
  t.equal(new Set(made.map(({ secret }) => secret)).size, 1)
  t.equal(made.filter(({ isNew }) => isNew).length, 1)
  t.match(made[0]?.secret, /^[\w-]{64}$/)
  t.same(await readdir(dir), ['jwt-secret'])
})

t.test('a folder that cannot be written to is an error', async (t) => {
  const file = join(await folder(t), 'a-file')
  await writeFile(file, '')
  await t.rejects(loadOrCreateSecret(file, 'jwt-secret'), { code: 'EEXIST' })
  await t.rejects(loadOrCreateSecret(join(file, 'below'), 'jwt-secret'), { code: 'ENOTDIR' })
})

async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'secret-'))
  t.teardown(() => rm(dir, { recursive: true }))
  return dir
}
