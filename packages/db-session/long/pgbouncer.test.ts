import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t from 'tap'
import { startPgBouncer } from '../system/pgbouncer.ts'
import { runSuite } from './suite.ts'

const database = await createTestDatabase()
const bouncer = await startPgBouncer(new URL(database.adminUrl))
t.teardown(async () => {
  await bouncer.stop()
  await database.drop()
})

t.test('the package’s tests pass through PgBouncer in transaction mode', (t) => {
  runSuite(
    t,
    { TEST_POSTGRES_URL: database.adminUrl, DB_SESSION_TEST_VIA: bouncer.address },
    {
      'index.test.ts': 'has no database',
      'unknown-options.test.ts': 'has no statement that depends on the connection',
      'private-parts.test.ts': 'has no session',
    },
  )
  t.end()
})
