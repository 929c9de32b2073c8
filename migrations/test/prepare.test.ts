import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t from 'tap'
import { explain, prepareDatabase } from '../prepare.ts'

const silent = { log: () => {} }

t.test('prepareDatabase migrates, and seeds only a database without users', async (t) => {
  const { url, drop } = await createTestDatabase()
  t.teardown(drop)
  let seeded = 0
  const seed = async (knex: Parameters<NonNullable<Parameters<typeof prepareDatabase>[1]['seed']>>[0]) => {
    seeded += 1
    await knex('users').insert({ email: 'ann@example.com', password: 'x' })
    return true
  }
  const lines: string[] = []
  await prepareDatabase(url, { mayMigrate: true, log: (line) => lines.push(line), seed })
  await prepareDatabase(url, { mayMigrate: true, log: (line) => lines.push(line), seed })
  t.equal(seeded, 1)
  t.match(lines, [/^Migrated the database: 20260101000001_users, /, /demo data/])
  t.equal(lines.length, 2)
})

t.test('prepareDatabase rejects pending migrations that it may not run, and runs none', async (t) => {
  const { url, drop } = await createTestDatabase()
  t.teardown(drop)
  for (let attempt = 0; attempt < 2; attempt++) {
    await t.rejects(prepareDatabase(url, { mayMigrate: false, ...silent }), {
      name: 'DatabaseNotReadyError',
      message: /^\d+ migrations are pending \(20260101000001_users, .*Run `npm run db:migrate` first/,
    })
  }
  await prepareDatabase(url, { mayMigrate: true, ...silent })
  await t.resolves(prepareDatabase(url, { mayMigrate: false, ...silent }))
})

t.test('prepareDatabase explains a database that it cannot reach', async (t) => {
  const url = 'postgres://me:hunter2@127.0.0.1:1/app'
  await t.rejects(prepareDatabase(url, { mayMigrate: true, ...silent }), {
    message: /^The database at 127\.0\.0\.1:1\/app cannot be used: .*ECONNREFUSED/,
  })
})

t.test('an explanation names the address, and never the user or the password', async (t) => {
  const url = 'postgres://me:hunter2@db.example:6543/app'
  const message = (error: object) => explain(Object.assign(new Error('x'), error), url).message
  t.equal(
    message({ message: 'timeout expired' }),
    'The database at db.example:6543/app cannot be used: it does not respond. Start it, or fix DATABASE_URL (unset: the embedded Postgres).',
  )
  t.match(
    message({ message: 'Migration table is already locked' }),
    /^Another process is migrating the database at db\.example:6543\/app\./,
  )
  t.match(message({ message: '', code: 'ECONNREFUSED' }), /cannot be used: ECONNREFUSED/)
  for (const text of ['timeout expired', 'already locked', ''])
    t.notMatch(message({ message: text }), /hunter2|me:/)
})
