/** Tests the package as a consumer gets it: packed, unpacked into another project, imported by name. */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { node, packFor, runToEnd, tsc } from '../../../test-support/consumer.ts'

const packageDir = fileURLToPath(new URL('..', import.meta.url))
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const { folder } = packFor(t, 'db-session')
const [tarball = ''] = readdirSync(folder)
const installed = path.join(folder, 'node_modules/@auth-primer/db-session')
await mkdir(installed, { recursive: true })
await runToEnd(folder, 'tar', '-xzf', tarball, '-C', installed, '--strip-components=1')
const { dependencies, peerDependencies } = JSON.parse(
  await readFile(path.join(installed, 'package.json'), 'utf8'),
)
for (const name of ['@types', ...Object.keys({ ...dependencies, ...peerDependencies })]) {
  // npm installs a version that conflicts with another one next to the package.
  const own = path.join(packageDir, 'node_modules', name)
  await symlink(existsSync(own) ? own : path.join(modules, name), path.join(folder, 'node_modules', name))
}

for (const [file, code] of Object.entries({
  'esm.mjs':
    "import dbSession, { DbSessionError } from '@auth-primer/db-session'; console.log(typeof dbSession, DbSessionError.name)",
  'cjs.cjs':
    "const { dbSession, DbSessionError } = require('@auth-primer/db-session'); console.log(typeof dbSession, DbSessionError.name)",
})) {
  t.test(`${file} can import the packed package`, async (t) => {
    await writeFile(path.join(folder, file), code)
    t.match((await node(folder, file)).out, /^function DbSessionError/)
  })
}

const TYPED = `
import { dbSession, type DbSession, withRollback } from '@auth-primer/db-session'
import Fastify from 'fastify'
import knex from 'knex'
const app = Fastify()
app.register(dbSession, { knex: knex({ client: 'pg' }), acquireTimeoutMs: 1 })
app.get('/', { config: { db: { mode: 'read', retry: 3, isolation: 'serializable' } } }, async (request) => {
  const rows: { id: number }[] = await request.db<{ id: number }>('users').select('id')
  request.db.afterCommit(() => {})
  const mode: 'read' | 'write' = request.db.mode
  return [mode, rows]
})
const session = async (db: DbSession): Promise<string> => db.savepoint(async (inner) => inner.timeline[0]?.sql ?? '')
export const done: Promise<string> = app.unitOfWork(session)
export const undone: Promise<number> = withRollback(app, async () => 1)
`
const MISTAKEN = `
import { dbSession } from '@auth-primer/db-session'
import Fastify from 'fastify'
const app = Fastify()
app.register(dbSession, {})
app.get('/', { config: { db: { mode: 'both' } } }, async (request) => request.db.nothing())
`
t.test('the types of the packed package accept right code, and reject wrong code', async (t) => {
  await writeFile(path.join(folder, 'typed.mts'), TYPED)
  await writeFile(path.join(folder, 'mistaken.mts'), MISTAKEN)
  const options = '--noEmit --strict --skipLibCheck --module nodenext --target es2022 --types node'
  const { out } = await tsc(folder, `${options} typed.mts mistaken.mts`)
  const places = Array.from(out.matchAll(/^(\w+\.mts)\((\d+),/gm), ([, file, line]) => `${file} ${line}`)
  t.same([...new Set(places)], ['mistaken.mts 5', 'mistaken.mts 6'])
  t.match(out, "Property 'nothing' does not exist")
})
