import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { OverloadedError, type Slot } from '@auth-primer/auth-hash'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import t from 'tap'
import { GENEROUS, serve } from '../../../test-support/social-api.ts'
import { removeExpired } from '../src/auth/cleanup.ts'
import { limitLoginAttempts } from '../src/auth/login-limiter.ts'
import { readConfig } from '../src/config.ts'
import { Problem } from '../src/problem.ts'
import { User } from '../src/users/model.ts'

const ANA = 'ana@example.com'
const DEFAULTS = readConfig({}).throttles
const SECOND = 1_000
const DAY = 86_400 * SECOND

// Time passes only when a test advances it.
mock.timers.enable({ apis: ['Date'], now: Date.now() })
t.teardown(() => mock.timers.reset())

type Attempt = () => Promise<User | undefined>

interface Outcome {
  status: number
  retryAfter?: number
}

const services = new Map<string, Promise<FastifyInstance>>()

/** Creates a limiter on an empty database. Each attempt decides itself whether its password is correct. */
async function setUp(throttles: Partial<typeof GENEROUS> = { failedLoginsPerAccount: 6 }) {
  const name = JSON.stringify(throttles)
  const service =
    services.get(name) ?? serve(t, { throttles: { ...GENEROUS, ...throttles } }).then(({ app }) => app)
  services.set(name, service)
  const app = await service
  const { knex } = app
  // This empties the limiter's tables, too.
  await knex.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
  const user = async (email: string) => {
    await User.create(knex, { email, password: 'none' })
    return User.findByEmail(knex, email)
  }
  const attempt = async (email: string, address: string, check: Attempt, server = app): Promise<Outcome> => {
    // The limiter reads only these members of a request.
    const request = { server, ip: address, socket: {} } as unknown as FastifyRequest
    try {
      return { status: (await limitLoginAttempts(request, email, check)) ? 200 : 403 }
    } catch (error) {
      if (error instanceof OverloadedError) return { status: 503 }
      if (!(error instanceof Problem)) throw error
      return { status: error.statusCode, retryAfter: Number(error.headers['retry-after']) }
    }
  }
  const wrong = (email = ANA, address = '192.0.2.1') => attempt(email, address, async () => undefined)
  const right = (email = ANA, address = '192.0.2.1') => attempt(email, address, () => user(email))
  /** Lets time pass for all stored rows. */
  const advance = async (ms: number) => {
    await knex.raw('UPDATE rate_limits SET expire = expire - ?', [ms])
    await knex.raw("UPDATE login_networks SET logged_in_at = logged_in_at - ? * interval '1 ms'", [ms])
  }
  return { app, knex, user, attempt, wrong, right, advance }
}

/** Returns how many of 40 consecutive attempts pass. */
async function countPassed(attempt: (index: number) => Promise<Outcome>): Promise<number> {
  for (let count = 0; count < 40; count++) if ((await attempt(count)).status === 429) return count
  return 40
}

async function tally(attempts: Promise<Outcome>[]): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (const { status } of await Promise.all(attempts)) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

t.test('one address that fails at one account waits 1, 2, 4 … seconds, five minutes at most', async (t) => {
  const { wrong, right, advance } = await setUp()
  t.same(await tally([wrong(), wrong(), wrong()]), { 403: 3 }, 'three failures have no consequence')
  for (const wait of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
    t.equal((await wrong()).status, 403)
    await advance(wait * SECOND - 500)
    t.same(await right(), { status: 429, retryAfter: wait }, 'too early, even with a correct password')
    await advance(wait * SECOND + 1)
  }
})

t.test('an attempt during a wait doubles the wait', async (t) => {
  const { wrong, right, advance } = await setUp()
  t.equal(await countPassed(() => wrong()), 4)
  const waits = []
  for (let count = 0; count < 10; count++) waits.push((await wrong()).retryAfter)
  t.same(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300], 'after 1, which ended the count')
  await advance(299 * SECOND)
  t.equal((await right()).status, 429)
  await advance(300 * SECOND)
  t.equal((await right()).status, 200)
})

t.test('a correct password deletes the failures of its account and address', async (t) => {
  const { wrong, right, advance } = await setUp()
  t.equal(await countPassed(() => wrong()), 4)
  await advance(1_001)
  t.equal((await right()).status, 200)
  t.equal(await countPassed(() => wrong()), 4)
})

t.test('failures expire after a day', async (t) => {
  const { wrong, advance } = await setUp()
  t.equal(await countPassed(() => wrong()), 4)
  t.equal((await wrong()).status, 429)
  await advance(DAY + 1)
  t.equal(await countPassed(() => wrong()), 4)
})

t.test('failures at one account do not slow down another', async (t) => {
  const { wrong } = await setUp()
  t.equal(await countPassed(() => wrong()), 4)
  t.equal((await wrong('ben@example.com')).status, 403)
})

t.test('many addresses that fail at one account cannot lock its owner out of a known network', async (t) => {
  const { wrong, right, advance } = await setUp()
  await right(ANA, '203.0.113.1')
  t.equal(await countPassed((index) => wrong(ANA, `192.0.2.${index}`)), 7)
  t.equal(
    (await right(ANA, '198.51.100.1')).status,
    429,
    'from another network, even a correct password is rejected',
  )
  t.equal((await right(ANA, '203.0.113.1')).status, 200)

  await advance(300_001)
  t.equal(
    (await right(ANA, '198.51.100.1')).status,
    200,
    'from another network, the owner waits five minutes at most',
  )
  t.equal((await wrong(ANA, '192.0.2.200')).status, 403, 'then the attackers have one more attempt')
  t.equal((await wrong(ANA, '192.0.2.201')).status, 429, 'because a success does not delete their failures')
})

t.test('a known network is limited like any other by account and address', async (t) => {
  const { wrong, right } = await setUp()
  await right()
  t.equal(await countPassed(() => wrong()), 4)
})

t.test('one address cannot use up an account’s failures for other addresses', async (t) => {
  const { wrong, right } = await setUp()
  t.equal(await countPassed(() => wrong(ANA, '192.0.2.1')), 4)
  for (const _ of numbers(20)) t.equal((await wrong(ANA, '192.0.2.1')).status, 429)
  t.equal((await right(ANA, '192.0.2.2')).status, 200)
  t.equal(await countPassed(() => wrong(ANA, '192.0.2.3')), 3)
  t.equal((await right(ANA, '192.0.2.4')).status, 429, 'two addresses can use them up')
})

t.test('a network is known for thirty days after the last login from it', async (t) => {
  const { wrong, right, advance } = await setUp()
  const isRejected = async () => {
    await countPassed((index) => wrong(ANA, `192.0.2.${index}`))
    return (await right(ANA, '203.0.113.1')).status === 429
  }
  await right(ANA, '203.0.113.1')
  await advance(29 * DAY)
  t.notOk(await isRejected())
  await advance(29 * DAY)
  t.notOk(await isRejected(), 'the login after 29 days counts')
  await advance(30 * DAY + 1)
  t.ok(await isRejected())
})

t.test('known networks are deleted with their user, even if a later user gets the same id', async (t) => {
  const { knex, wrong, right } = await setUp()
  await right(ANA, '203.0.113.1')
  await knex.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
  await right('ben@example.com', '192.0.2.1')
  await countPassed((index) => wrong('ben@example.com', `192.0.2.${100 + index}`))
  t.equal((await right('ben@example.com', '203.0.113.1')).status, 429)
  t.equal((await right('ben@example.com', '192.0.2.1')).status, 200)
})

t.test(
  'over the address limit every login is a 429, whether or not the account exists or the network is known',
  async (t) => {
    const { app, wrong, right, user, advance } = await setUp({ failedLoginsPerAddress: 5 })
    await right()
    await user('new@example.com')
    t.equal(await countPassed((index) => wrong(`user${index}@example.com`)), 6)
    const queries: string[] = []
    app.knex.on('query', ({ sql }: { sql: string }) => queries.push(sql))
    for (const email of [ANA, 'new@example.com', 'nobody@example.com'])
      t.equal((await right(email)).status, 429)
    t.notMatch(queries.join(), 'users', 'no account is read')
    t.equal((await wrong('new@example.com', '192.0.2.2')).status, 403, 'another address is not affected')
    await advance(3_600_001)
    t.equal(await countPassed((index) => wrong(`user${index}@example.com`)), 6, 'an hour later')
  },
)

t.test('correct passwords are not counted', async (t) => {
  const { wrong, right } = await setUp({ failedLoginsPerAccount: 4, failedLoginsPerAddress: 4 })
  for (const index of numbers(20)) {
    t.equal((await right(`user${index}@example.com`)).status, 200)
    t.equal((await right(ANA, `192.0.2.${index}`)).status, 200)
  }
  t.equal(await countPassed((index) => wrong(`other${index}@example.com`)), 5)
})

t.test('simultaneous wrong passwords are checked no more often than consecutive ones', async (t) => {
  const { wrong } = await setUp({ failedLoginsPerAccount: 10, failedLoginsPerAddress: 12 })
  t.same(await tally(numbers(30).map(() => wrong())), { 403: 6, 429: 24 }, 'from one address')
  t.same(
    await tally(numbers(30).map((index) => wrong('ben@example.com', `198.51.100.${index}`))),
    { 403: 11, 429: 19 },
    'from many addresses',
  )
  t.same(
    await tally(numbers(30).map((index) => wrong(`user${index}@example.com`, '203.0.113.1'))),
    { 403: 13, 429: 17 },
    'at many accounts',
  )
})

t.test(
  'thirty simultaneous correct passwords all succeed, and later failures are counted as before',
  async (t) => {
    const { wrong, right } = await setUp({ failedLoginsPerAccount: 4, failedLoginsPerAddress: 4 })
    t.same(await tally(numbers(30).map(() => right())), { 200: 30 }, 'at one account')
    t.same(
      await tally(numbers(30).map((index) => right(ANA, `192.0.2.${index}`))),
      { 200: 30 },
      'from many addresses',
    )
    t.same(
      await tally(numbers(30).map((index) => right(`user${index}@example.com`))),
      { 200: 30 },
      'at many accounts',
    )
    t.equal(await countPassed(() => wrong()), 3)
  },
)

t.test('an attempt whose client disconnects is counted', async (t) => {
  const { attempt, wrong } = await setUp()
  const disconnect = () => attempt(ANA, '192.0.2.1', () => Promise.reject(new DOMException('', 'AbortError')))
  for (const _ of numbers(3)) await t.rejects(disconnect(), { name: 'AbortError' })
  t.equal(await countPassed(() => wrong()), 1)
})

t.test('an attempt that the full hashing queue rejects is not counted', async (t) => {
  const { app, attempt, wrong } = await setUp()
  const slots: Slot[] = []
  const overload = async () => {
    for (;;) slots.push(app.hasher.reserve())
  }
  t.same(await tally([attempt(ANA, '192.0.2.1', overload)]), { 503: 1 })
  for (const slot of slots) slot.release()
  t.equal(await countPassed(() => wrong()), 4)
})

t.test('the password of a rejected attempt is not checked', async (t) => {
  const { attempt } = await setUp({ failedLoginsPerAccount: 4 })
  let made = 0
  const count = async () => {
    made++
    return undefined
  }
  for (const _ of numbers(10)) await attempt(ANA, '192.0.2.1', count)
  t.equal(made, 3)
})

t.test('no count falls below 0, even if its window ends during an attempt', async (t) => {
  const { knex, attempt, user, wrong } = await setUp({ failedLoginsPerAccount: 4 })
  const outcome = await attempt(ANA, '192.0.2.1', async () => {
    await knex('rate_limits').delete()
    return user(ANA)
  })
  t.equal(outcome.status, 200)
  await wrong()
  await attempt(ANA, '192.0.2.1', async () => {
    await knex('rate_limits').update({ points: 0 })
    return user(ANA)
  })
  t.same(await knex('rate_limits').where('points', '<', 0), [])
  t.equal(await countPassed(() => wrong()), 3, 'the next failures are counted from 0')
})

t.test('with the default limits, thirty learners at one address who mistype twice all log in', async (t) => {
  const { wrong, right } = await setUp(DEFAULTS)
  const learners = numbers(30).map(async (index) => {
    const email = `learner${index}@example.com`
    await wrong(email)
    await wrong(email)
    return right(email)
  })
  t.same(await tally(learners), { 200: 30 })
})

t.test(
  'with the default limits, a class can share one user and mistype, because a success deletes the failures',
  async (t) => {
    const { wrong, right } = await setUp(DEFAULTS)
    for (const _ of numbers(30)) t.same(await tally([wrong(), wrong(), right()]), { 200: 1, 403: 2 })
  },
)

t.test('a limit of 0 is off, and stores nothing', async (t) => {
  const { knex, wrong } = await setUp({ failedLoginsPerAccount: 0, failedLoginsPerAddress: 0 })
  t.equal(await countPassed(() => wrong()), 40)
  t.same(await knex('rate_limits'), [])
})

t.test('neither emails nor addresses are stored, and an email of any length is counted', async (t) => {
  const { knex, wrong, right } = await setUp()
  await right()
  t.equal((await wrong('x'.repeat(1_024))).status, 403)
  const stored = JSON.stringify([await knex('rate_limits'), await knex('login_networks')])
  t.notMatch(stored, 'example')
  t.notMatch(stored, '192.0.2')
})

t.test('expired rows are deleted in batches, and others are kept', async (t) => {
  const { app, knex, wrong, right, advance } = await setUp()
  await right()
  await wrong()
  await advance(30 * DAY + 1)
  await knex.raw('INSERT INTO rate_limits SELECT n, 1, 0 FROM generate_series(1, 2500) AS n')
  await right('ben@example.com')
  await wrong('ben@example.com')
  await removeExpired(app.knex)
  t.equal((await knex('rate_limits')).length, 3)
  t.equal((await knex('login_networks')).length, 1)
  const { rows } = await knex.raw("SELECT indexdef FROM pg_indexes WHERE tablename = 'rate_limits'")
  t.match(JSON.stringify(rows), '(expire)')
})

t.test('two processes share one count, and a process that starts later uses it too', async (t) => {
  const { knex, attempt, wrong } = await setUp()
  const databaseUrl = knex.client.config.connection.connectionString
  const start = () => serve(t, { databaseUrl, throttles: { ...GENEROUS, failedLoginsPerAccount: 6 } })
  const second = await start()
  const wrongAt = (server: FastifyInstance) => attempt(ANA, '192.0.2.1', async () => undefined, server)
  t.same(await tally(numbers(30).flatMap(() => [wrong(), wrongAt(second.app)])), { 403: 4, 429: 56 })
  const third = await start()
  t.equal((await wrongAt(third.app)).status, 429)
})

t.test('forty simultaneous correct passwords at two processes all succeed', async (t) => {
  const { knex, user, attempt, right } = await setUp()
  const databaseUrl = knex.client.config.connection.connectionString
  const { app } = await serve(t, { databaseUrl, throttles: { ...GENEROUS, failedLoginsPerAccount: 6 } })
  const ana = await user(ANA)
  const slow = async () => {
    await sleep(50)
    return ana
  }
  const [first, ...others] = numbers(39).map(() => attempt(ANA, '192.0.2.1', slow))
  // The second process has no other attempts to wait for.
  const elsewhere = attempt(ANA, '192.0.2.1', slow, app)
  t.same(await tally([first as Promise<Outcome>, ...others, elsewhere]), { 200: 40 })
  t.equal((await right()).status, 200)
})

t.test('attempts that a killed process left undecided lock nobody out', async (t) => {
  const { knex, wrong, right } = await setUp()
  await wrong()
  await knex('rate_limits').update({ points: 100, failures: 0 })
  const outcome = right()
  mock.timers.tick(10_000)
  t.equal((await outcome).status, 200)
})

t.test('logins that disconnect early are counted, and never remove another count', async (t) => {
  const { attempt, wrong, advance } = await setUp(DEFAULTS)
  const tryFromThreeAddresses = async () => {
    const checked = []
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
      const statuses = []
      for (const _ of numbers(14)) statuses.push((await wrong(ANA, address)).status)
      checked.push(statuses.filter((status) => status === 403).length)
    }
    return checked
  }
  t.same(await tryFromThreeAddresses(), [11, 10, 0])

  const disconnect = (index: number) =>
    attempt(`nobody${index}@example.com`, `198.51.100.${index % 3}`, () =>
      Promise.reject(new DOMException('', 'AbortError')),
    ).catch(() => ({ status: 403 }))
  t.same(await tally(numbers(330).map(disconnect)), { 403: 303, 429: 27 }, 'they are counted')
  t.same(await tryFromThreeAddresses(), [0, 0, 0])
  await advance(300_001)
  t.same(await tryFromThreeAddresses(), [1, 0, 0], 'five minutes later, one more attempt is possible')
})
