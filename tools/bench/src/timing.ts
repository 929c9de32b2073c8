/**
 * Measures if the response time of a login reveals whether an account exists. `npm run timing -w tools/bench` sends failing logins of
 * each kind in turn, over HTTP to the service on a new Postgres, and compares the medians.
 */
import { parseArgs } from 'node:util'
import { createHasher } from '@auth-primer/auth-hash'
import { migrateToLatest } from '@auth-primer/migrations'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import { openKnex } from '../../../test-support/database.ts'
import { median } from './median.ts'
import { startServer } from './servers.ts'

const USAGE = `Usage: npm run timing -w tools/bench -- [--tries 100] [--cost 12]

Sends failing logins of each kind, one at a time and in turn, and prints the median of each.`

const { tries, cost, help } = parseArgs({
  options: {
    tries: { type: 'string', default: '100' },
    cost: { type: 'string', default: '12' },
    help: { type: 'boolean', short: 'h', default: false },
  },
}).values
if (help) console.log(USAGE)
else await measure(Number(tries), Number(cost))

async function measure(tries: number, cost: number): Promise<void> {
  const database = await createTestDatabase()
  const knex = openKnex(database.url, 2)
  await migrateToLatest(knex)
  const users = [
    { email: 'today@example.com', password: await createHasher({ cost }).hash('the right one') },
    { email: 'cheaper@example.com', password: await createHasher({ cost: 10 }).hash('the right one') },
  ]
  await knex('users').insert(users)
  await knex.destroy()

  const server = await startServer('service', {
    DATABASE_URL: database.url,
    JWT_SECRET: 'a secret of the measurement, long enough to sign with',
    BCRYPT_COST: String(cost),
    THROTTLE_REQUESTS_PER_MINUTE: '0',
    THROTTLE_FAILED_LOGINS_PER_ACCOUNT: '0',
    THROTTLE_FAILED_LOGINS_PER_ADDRESS: '0',
  })
  const { url } = server

  const kinds = {
    'a wrong password': 'today@example.com',
    'an unknown email': 'nobody@example.com',
    'a wrong password, the hash of cost 10': 'cheaper@example.com',
  }
  const times = new Map(Object.keys(kinds).map((kind) => [kind, [] as number[]]))
  const bodies = new Set<string>()
  for (let round = -2; round < tries; round++) {
    for (const [kind, username] of Object.entries(kinds)) {
      const start = performance.now()
      const response = await fetch(`${url}/login`, {
        method: 'POST',
        body: new URLSearchParams({ username, password: 'the wrong one' }),
      })
      const body = (await response.json()) as { instance: string }
      const time = performance.now() - start
      if (response.status !== 403) throw new Error(`${kind} got the status ${response.status}`)
      bodies.add(JSON.stringify({ ...body, instance: '' }))
      // The first rounds warm up.
      if (round >= 0) times.get(kind)?.push(time)
    }
    if (process.stderr.isTTY) process.stderr.write(`\r${Math.max(round + 1, 0)} of ${tries} rounds`)
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')

  console.log(`${tries} logins of each kind in turn, bcrypt cost ${cost}, Node ${process.version}`)
  const reference = median(times.get('a wrong password') ?? [])
  for (const [kind, all] of times) {
    const middle = median(all)
    console.log(`${kind.padEnd(40)} median ${middle.toFixed(1)} ms   ${(middle / reference).toFixed(3)} ×`)
  }
  console.log(`different bodies, except for the request id: ${bodies.size}`)
  await server.stop()
  await database.drop()
}
