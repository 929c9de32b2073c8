import t from 'tap'
import { readConfig } from '../src/config.ts'
import { Problem } from '../src/problem.ts'
import { counters } from '../src/throttle/counter.ts'
import { Guesses, type GuessLimits } from '../src/throttle/guesses.ts'

const ANA = 'ana@example.com'

interface Outcome {
  status: number
  retryAfter?: number
}

/** Guesses on a clock that stands still; what a password is worth is given with each. */
function setUp(limits: Partial<GuessLimits>) {
  const clock = { now: 1_000_000 }
  const guesses = new Guesses(
    { perAccount: 1_000, perAddress: 1_000, ...limits },
    counters(() => clock.now),
  )
  const attempt = async (
    account: string,
    address: string,
    guess: () => Promise<true | undefined>,
  ): Promise<Outcome> => {
    try {
      return { status: (await guesses.attempt(account, address, guess)) ? 200 : 403 }
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return { status: error.statusCode, retryAfter: Number(error.headers['retry-after']) }
    }
  }
  const wrong = (account = ANA, address = '192.0.2.1') => attempt(account, address, async () => undefined)
  const right = (account = ANA, address = '192.0.2.1') => attempt(account, address, async () => true)
  return { clock, guesses, attempt, wrong, right }
}

/** How many are let through, of 40. */
async function countPassed(attempt: (index: number) => Promise<Outcome>): Promise<number> {
  for (let count = 0; count < 40; count++) if ((await attempt(count)).status === 429) return count
  return 40
}

const tally = async (attempts: Promise<Outcome>[]) => {
  const statuses = (await Promise.all(attempts)).map(({ status }) => status)
  return Object.fromEntries(
    [...new Set(statuses)].sort().map((one) => [one, statuses.filter((s) => s === one).length]),
  )
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

t.test('guessing at one account from one address', async (t) => {
  const { clock, wrong, right } = setUp({ perAccount: 6 })

  t.test('is slowed down by waits that double, up to five minutes, and Retry-After is true', async (t) => {
    t.equal(await countPassed(() => wrong()), 4, 'three have no consequence')
    const waits = []
    for (let count = 0; count < 11; count++) {
      const { status, retryAfter = 0 } = await wrong()
      t.equal(status, 429)
      waits.push(retryAfter)
      clock.now += retryAfter * 1000 - 1
      t.equal((await right()).status, 429, 'also the right password, a moment before')
      clock.now += 2
      t.equal((await wrong()).status, 403)
    }
    t.same(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  })

  t.test('is forgiven after a success', async (t) => {
    clock.now += 300_001
    t.equal((await right()).status, 200)
    t.equal(await countPassed(() => wrong()), 4)
  })

  t.test('is forgotten after a day', async (t) => {
    t.equal((await wrong()).status, 429)
    clock.now += 86_400_001
    t.equal(await countPassed(() => wrong()), 4)
  })

  t.test('does not slow down another account', async (t) => {
    t.equal((await wrong('ben@example.com')).status, 403)
  })
})

t.test('guessing at one account from many addresses is slowed down', async (t) => {
  const { clock, wrong, right } = setUp({ perAccount: 6 })
  await right(ANA, 'her own')
  t.equal(await countPassed((index) => wrong(ANA, `192.0.2.${index}`)), 7)
  t.equal((await right(ANA, 'a new one')).status, 429, 'also with the right password')
  t.equal((await right(ANA, 'her own')).status, 200, 'but not where the owner has logged in before')

  clock.now += 1_001
  t.equal((await right(ANA, 'a new one')).status, 200, 'nor anywhere for long')
  t.equal((await wrong(ANA, '192.0.2.200')).status, 403, 'one more for the strangers')
  t.equal((await wrong(ANA, '192.0.2.201')).status, 429, 'whom a success has not forgiven')
})

t.test('where the owner has logged in before, guesses are slowed down as anywhere', async (t) => {
  const { clock, wrong, right } = setUp({ perAccount: 6 })
  await right()
  t.equal(await countPassed(() => wrong()), 4)
  clock.now += 1_001
  t.equal(await countPassed(() => wrong()), 1)
})

t.test('one address alone does not close an account to the others', async (t) => {
  const { wrong, right } = setUp({ perAccount: 6 })
  t.equal(await countPassed(() => wrong(ANA, 'one')), 4)
  t.equal((await right(ANA, 'another')).status, 200)
  t.equal(await countPassed(() => wrong(ANA, 'two')), 3)
  t.equal((await right(ANA, 'a third')).status, 429, 'two do')
})

t.test('an address is remembered for thirty days', async (t) => {
  const { clock, wrong, right } = setUp({ perAccount: 6 })
  await right(ANA, 'her own')
  clock.now += 29 * 86_400_000
  await countPassed((index) => wrong(ANA, `192.0.2.${index}`))
  t.equal((await right(ANA, 'her own')).status, 200)
  clock.now += 30 * 86_400_000 + 1
  await countPassed((index) => wrong(ANA, `192.0.2.${index}`))
  t.equal((await right(ANA, 'her own')).status, 429)
})

t.test('guessing at many accounts from one address is slowed down', async (t) => {
  const { clock, wrong, right } = setUp({ perAddress: 5 })
  await right()
  const users = (index: number) => wrong(`user${index}@example.com`)
  t.equal(await countPassed(users), 6)
  t.equal((await right()).status, 200, 'not who has logged in from there')
  t.equal((await right('new@example.com')).status, 429, 'who has not, is')
  t.equal((await wrong('new@example.com', '192.0.2.2')).status, 403, 'and another address is not')
  clock.now += 3_600_001
  t.equal(await countPassed(users), 6, 'an hour later')
})

t.test('right passwords are not counted, however many', async (t) => {
  const { wrong, right } = setUp({ perAccount: 4, perAddress: 4 })
  for (const index of numbers(20)) {
    t.equal((await right(`user${index}@example.com`)).status, 200)
    t.equal((await right(ANA, `192.0.2.${index}`)).status, 200)
  }
  t.equal(await countPassed((index) => wrong(`other${index}@example.com`)), 5)
})

t.test('of fifty wrong passwords at once no more pass than one after the other', async (t) => {
  const { wrong } = setUp({ perAccount: 10, perAddress: 12 })
  t.same(await tally(numbers(50).map(() => wrong())), { 403: 6, 429: 44 }, 'one address')
  t.same(
    await tally(numbers(50).map((index) => wrong('ben@example.com', `198.51.100.${index}`))),
    { 403: 11, 429: 39 },
    'many addresses',
  )
  t.same(
    await tally(numbers(50).map((index) => wrong(`user${index}@example.com`, '203.0.113.1'))),
    { 403: 13, 429: 37 },
    'many accounts',
  )
})

t.test('of fifty right ones at once none is refused', async (t) => {
  const { wrong, right } = setUp({ perAccount: 4, perAddress: 4 })
  t.same(await tally(numbers(50).map(() => right())), { 200: 50 }, 'of one account')
  t.same(await tally(numbers(50).map((index) => right(`user${index}@example.com`))), { 200: 50 }, 'of many')
  t.equal(await countPassed(() => wrong()), 3, 'and the wrong ones count as before')
})

t.test('more than a hundred that wait for one another are a 503, at once', async (t) => {
  const { attempt } = setUp({ perAccount: 2 })
  let fail = () => {}
  const held = new Promise<undefined>((resolve) => {
    fail = () => resolve(undefined)
  })
  const pending = numbers(150).map(() => attempt(ANA, '192.0.2.1', () => held))
  t.same(await Promise.race(pending), { status: 503, retryAfter: 1 })
  fail()
  t.same(await tally(pending), { 403: 2, 429: 100, 503: 48 })
})

t.test('one that waits for others says so first, and no other does', async (t) => {
  const { guesses } = setUp({ perAccount: 4 })
  const waited = new Set<number>()
  const attempts = numbers(5).map((index) =>
    guesses.attempt(
      ANA,
      '192.0.2.1',
      async () => true,
      () => waited.add(index),
    ),
  )
  await Promise.all(attempts)
  t.same([...waited].sort(), [3, 4])
})

t.test('an attempt that did not come to an end is not counted', async (t) => {
  const { guesses, wrong } = setUp({ perAccount: 6, perAddress: 6 })
  const broken = new Error('The hashing queue is full.')
  const attempt = () => guesses.attempt(ANA, '192.0.2.1', async () => Promise.reject(broken))
  for (const _ of numbers(10)) await t.rejects(attempt(), broken)
  t.equal(await countPassed(() => wrong()), 4)
})

t.test('a refused attempt is not made', async (t) => {
  const { attempt } = setUp({ perAccount: 4 })
  let made = 0
  for (const _ of numbers(10)) {
    await attempt(ANA, '192.0.2.1', async () => {
      made++
      return undefined
    })
  }
  t.equal(made, 3)
})

t.test('by default, thirty learners at one address who mistype twice all log in', async (t) => {
  const { failedLoginsPerAccount, failedLoginsPerAddress } = readConfig({}).throttles
  const limits = { perAccount: failedLoginsPerAccount, perAddress: failedLoginsPerAddress }
  const { wrong, right } = setUp(limits)
  const learners = numbers(30).map(async (index) => {
    const account = `learner${index}@example.com`
    await wrong(account)
    await wrong(account)
    return right(account)
  })
  t.same(await tally(learners), { 200: 30 })
})

t.test(
  'by default, a class that shares one demo user may mistype, too, since a success forgives',
  async (t) => {
    const { failedLoginsPerAccount, failedLoginsPerAddress } = readConfig({}).throttles
    const { wrong, right } = setUp({ perAccount: failedLoginsPerAccount, perAddress: failedLoginsPerAddress })
    for (const _ of numbers(30)) {
      t.same(await tally([wrong(), wrong(), right()]), { 200: 1, 403: 2 })
    }
  },
)

t.test('0 is no limit', async (t) => {
  const { wrong, right } = setUp({ perAccount: 0, perAddress: 0 })
  t.equal(await countPassed(() => wrong()), 40)
  t.equal(await countPassed(() => right()), 40)
})
