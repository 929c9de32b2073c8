import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t, { type Test } from 'tap'
import { startPgBouncer } from './pgbouncer.ts'

const SECONDS = 30
// a failing program is reduced
t.setTimeout(180_000)

const database = await createTestDatabase()
const bouncer = await startPgBouncer(new URL(database.adminUrl))
t.teardown(async () => {
  await bouncer.stop()
  await database.drop()
})

const direct = fuzz()
const through = fuzz('--via', bouncer.address)

t.test('random programs find no violated guarantee', async (t) => assertPasses(t, await direct))
t.test('random programs find no violated guarantee through PgBouncer in transaction mode', async (t) =>
  assertPasses(t, await through),
)

interface Result {
  readonly code: number
  readonly output: string
}

async function fuzz(...further: string[]): Promise<Result> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'fuzz/fuzz.ts', '--seconds', String(SECONDS), '--url', database.adminUrl, ...further],
    { cwd: new URL('..', import.meta.url), stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { code, output }
}

function assertPasses(t: Test, { code, output }: Result): void {
  t.comment(output)
  t.equal(code, 0, 'the fuzz program exits with 0')
  t.match(output, /^pass: seed \d+, \d{2,} requests/m, 'the number of requests is printed')
}
