import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import { createQueue } from '../src/queue.ts'
import { costsOf } from './work.ts'

/** A job that ends when the test says so. */
function job() {
  let end!: () => void
  let started = false
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return {
    run: () => {
      started = true
      return ended
    },
    end,
    get started() {
      return started
    },
  }
}

const still = () => 0
/** Jobs start in the context of their callers, so a moment after their turn. */
const tick = () => new Promise((resolve) => setImmediate(resolve))

t.test('at most `concurrency` jobs run at a time, in their order', async (t) => {
  const queue = createQueue({ concurrency: 2, maxQueue: 10, now: still })
  const jobs = [job(), job(), job(), job()]
  const runs = jobs.map(({ run }) => queue.run(run))
  await tick()
  t.strictSame(
    jobs.map(({ started }) => started),
    [true, true, false, false],
  )
  jobs[1]?.end()
  await runs[1]
  await tick()
  t.strictSame(
    jobs.map(({ started }) => started),
    [true, true, true, false],
  )
  t.match(queue.stats, { running: 2, waiting: 1, finished: 1 })
  for (const { end } of jobs) end()
  await Promise.all(runs)
  t.match(queue.stats, { running: 0, waiting: 0, finished: 4, overloaded: 0, aborted: 0 })
})

t.test('a call that finds the queue full is rejected immediately', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 1, now: still })
  const [running, waiting, more] = [job(), job(), job()]
  const runs = [queue.run(running.run), queue.run(waiting.run)]
  await t.rejects(queue.run(more.run), { code: 'AUTH_HASH_OVERLOADED', retryAfter: 1 })
  t.equal(more.started, false)
  t.match(queue.stats, { overloaded: 1, waiting: 1 })
  running.end()
  waiting.end()
  await Promise.all(runs)
  more.end()
  await t.resolves(queue.run(more.run))
})

t.test('a reserved slot is used once, by the call that has it', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 1, now: still })
  const [running, waiting] = [job(), job()]
  const first = queue.run(running.run)
  const slot = queue.reserve()
  t.throws(() => queue.reserve(), { code: 'AUTH_HASH_OVERLOADED', retryAfter: 1 })
  await t.rejects(queue.run(job().run), { code: 'AUTH_HASH_OVERLOADED' })
  t.match(queue.stats, { running: 1, waiting: 0, overloaded: 2 })
  const second = queue.run(waiting.run, { slot })
  t.match(queue.stats, { running: 1, waiting: 1 })
  await t.rejects(queue.run(job().run, { slot }), { code: 'AUTH_HASH_OVERLOADED' }, 'a used slot is ignored')
  slot.release()
  t.throws(() => queue.reserve(), { code: 'AUTH_HASH_OVERLOADED' }, 'a used slot cannot be released')
  running.end()
  waiting.end()
  await Promise.all([first, second])
})

t.test('a released slot is free for others', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 0, now: still })
  const slot = queue.reserve()
  slot.release()
  slot.release()
  const next = queue.reserve()
  const foreign = createQueue({ concurrency: 1, maxQueue: 0, now: still }).reserve()
  for (const none of [slot, foreign])
    await t.rejects(queue.run(job().run, { slot: none }), { code: 'AUTH_HASH_OVERLOADED' })
  await t.resolves(queue.run(async () => 1, { slot: next }))
})

t.test('retryAfter estimates how long the queue takes', async (t) => {
  let ms = 0
  const queue = createQueue({ concurrency: 2, maxQueue: 10, now: () => ms })
  await queue.run(async () => {
    ms += 500
  })
  await queue.run(async () => {
    ms += 500
  })
  const jobs = Array.from({ length: 12 }, job)
  const runs = jobs.map(({ run }) => queue.run(run))
  // Eleven jobs of half a second, two at a time.
  await t.rejects(
    queue.run(async () => 1),
    { code: 'AUTH_HASH_OVERLOADED', retryAfter: 3 },
  )
  for (const { end } of jobs) end()
  await Promise.all(runs)
})

t.test('with `maxQueue: 0` one call can follow another', async (t) => {
  const hasher = createHasher({ cost: 4, unsafeLowCost: true, concurrency: 1, maxQueue: 0 })
  for (let call = 0; call < 5; call += 1) await t.resolves(hasher.hash('pw'))
  const first = hasher.hash('pw')
  await t.rejects(hasher.hash('pw'), { code: 'AUTH_HASH_OVERLOADED' })
  await first
})

t.test('an aborted call leaves the queue immediately and never runs', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 2, now: still })
  const [running, given, next] = [job(), job(), job()]
  const first = queue.run(running.run)
  const controller = new AbortController()
  const second = queue.run(given.run, { signal: controller.signal })
  const third = queue.run(next.run)
  controller.abort()
  t.match(queue.stats, { running: 1, waiting: 1, aborted: 1 })
  await t.rejects(second, { name: 'AbortError' })
  running.end()
  await first
  await tick()
  t.equal(given.started, false)
  t.equal(next.started, true, 'the next one has its turn')
  next.end()
  await third
  t.match(queue.stats, { running: 0, waiting: 0, finished: 2 })
})

t.test('an aborted call rejects with the reason of its signal', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 2, now: still })
  const reason = new Error('client disconnected')
  await t.rejects(queue.run(job().run, { signal: AbortSignal.abort(reason) }), reason)
  const running = job()
  const first = queue.run(running.run)
  const controller = new AbortController()
  const second = queue.run(job().run, { signal: controller.signal })
  controller.abort(reason)
  await t.rejects(second, reason)
  running.end()
  await t.resolves(first)
})

t.test('a running job is finished before the next one starts, aborted or not', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 2, now: still })
  const [running, next] = [job(), job()]
  const controller = new AbortController()
  const first = queue.run(running.run, { signal: controller.signal })
  const second = queue.run(next.run)
  controller.abort()
  await tick()
  t.equal(next.started, false, 'bcrypt cannot be stopped: its thread is not free')
  t.match(queue.stats, { running: 1, waiting: 1, aborted: 0 })
  running.end()
  await t.resolves(first)
  next.end()
  await t.resolves(second)
})

t.test('a job that throws frees its slot', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 0, now: still })
  await t.rejects(
    queue.run(() => Promise.reject(new Error('no memory'))),
    { message: 'no memory' },
  )
  t.match(queue.stats, { running: 0, finished: 1 })
  await t.resolves(queue.run(async () => 1))
})

t.test('no listener is left on a signal that outlives the call', async (t) => {
  const hasher = createHasher({ cost: 4, unsafeLowCost: true, concurrency: 1 })
  const { signal } = new AbortController()
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners += 1
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners -= 1
    removeEventListener.apply(signal, args)
  }
  await Promise.all(Array.from({ length: 8 }, () => hasher.hash('pw', { signal })))
  t.equal(listeners, 0)
})

t.test('an aborted login computes nothing, and those behind it go on', async (t) => {
  const hasher = createHasher({ cost: 4, unsafeLowCost: true, concurrency: 1 })
  const costs = await costsOf(async () => {
    const controller = new AbortController()
    const first = hasher.verify({ password: 'pw', hash: null })
    const given = [1, 2, 3].map(() =>
      hasher.verify({ password: 'pw', hash: null, signal: controller.signal }),
    )
    const last = hasher.hash('pw')
    controller.abort()
    for (const call of given) await t.rejects(call, { name: 'AbortError' })
    await t.resolves(Promise.all([first, last]))
  })
  t.strictSame(costs, [4, 4])
  t.match(hasher.stats, { running: 0, waiting: 0, finished: 2, aborted: 3 })
})

t.test('a hasher never computes more at a time than `concurrency`', async (t) => {
  const hasher = createHasher({ cost: 4, unsafeLowCost: true, concurrency: 3, maxQueue: 100 })
  let most = 0
  const count = () => {
    most = Math.max(most, hasher.stats.running)
  }
  subscribe('auth-primer:auth-hash:compute', count)
  await Promise.all(Array.from({ length: 40 }, () => hasher.verify({ password: 'cafe\u0301', hash: null })))
  unsubscribe('auth-primer:auth-hash:compute', count)
  t.equal(most, 3)
})

/** Starts one job of each key in turn and returns the order in which they ran. */
async function orderOf(keys: string, concurrency = 1): Promise<string> {
  const queue = createQueue({ concurrency, maxQueue: 100, now: still })
  let order = ''
  const runs = Array.from(keys, (key) =>
    queue.run(
      async () => {
        order += key
      },
      { key },
    ),
  )
  await Promise.all(runs)
  return order
}

t.test('keys take turns, and the jobs of one key keep their order', async (t) => {
  t.equal(await orderOf('aaaaab'), 'aabaaa', 'a stranger is next in turn after the one that runs')
  t.equal(await orderOf('aaaabbbc'), 'aabcabab')
  t.equal(await orderOf('aaaabb', 2), 'aaabab')
  t.equal(await orderOf('aaaa'), 'aaaa')
})

t.test('one key alone may hold the whole queue', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 8, now: still })
  const runs = Array.from({ length: 9 }, () => queue.run(async () => 1, { key: 'class' }))
  await t.resolves(Promise.all(runs))
})

t.test('while another key waits, one key holds at most a quarter of the queue', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 8, now: still })
  const running = job()
  const first = queue.run(running.run, { key: 'flood' })
  const flood = Array.from({ length: 8 }, (_, index) => queue.run(async () => index, { key: 'flood' }))
  const stranger = queue.run(async () => 'served', { key: 'stranger' })
  t.match(queue.stats, { waiting: 3, overloaded: 6 })
  await t.rejects(
    queue.run(async () => 1, { key: 'flood' }),
    { code: 'AUTH_HASH_OVERLOADED' },
  )
  running.end()
  t.equal(await stranger, 'served')
  await first
  const results = await Promise.allSettled(flood)
  t.strictSame(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code)),
    [0, 1, ...Array(6).fill('AUTH_HASH_OVERLOADED')],
    'the newest are rejected',
  )
})

t.test('reserved slots count, and one that was taken away is rejected when it is used', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 4, now: still })
  const running = job()
  const first = queue.run(running.run, { key: 'flood' })
  const [kept, lost] = [queue.reserve('flood'), queue.reserve('flood')]
  const stranger = queue.run(async () => 'served', { key: 'stranger' })
  await t.rejects(
    queue.run(async () => 1, { slot: lost }),
    { code: 'AUTH_HASH_OVERLOADED' },
  )
  const used = queue.run(async () => 'used', { slot: kept })
  running.end()
  t.strictSame(await Promise.all([first, stranger, used]), [undefined, 'served', 'used'])
  lost.release()
  t.match(queue.stats, { running: 0, waiting: 0 })
})

t.test('however many keys fill the queue, another one gets in, and then has its turn', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 8, now: still })
  const running = job()
  const first = queue.run(running.run, { key: 'a' })
  const flood = Array.from('aabbccdd', (key) => queue.run(async () => key, { key }))
  const stranger = queue.run(async () => 'served', { key: 'stranger' })
  running.end()
  t.equal(await stranger, 'served')
  await first
  const results = await Promise.allSettled(flood)
  t.equal(results.filter(({ status }) => status === 'rejected').length, 1)
})

t.test('a key that holds as much as every other is rejected if the queue is full', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 4, now: still })
  const running = job()
  const runs = [queue.run(running.run), ...Array.from('abcd', (key) => queue.run(async () => key, { key }))]
  await t.rejects(
    queue.run(async () => 1, { key: 'e' }),
    { code: 'AUTH_HASH_OVERLOADED' },
  )
  running.end()
  await t.resolves(Promise.all(runs))
})

t.test('a class of 40 at one address is served whole, a stranger among them, too', async (t) => {
  const queue = createQueue({ concurrency: 2, maxQueue: 160, now: still })
  const learners = Array.from({ length: 40 }, () => queue.run(tick, { key: 'class' }))
  const stranger = queue.run(tick, { key: 'stranger' })
  await t.resolves(Promise.all([...learners, stranger]))
})

t.test('a job runs in the async context of its caller', async (t) => {
  const context = new AsyncLocalStorage<string>()
  const queue = createQueue({ concurrency: 1, maxQueue: 4, now: still })
  const runs = ['first', 'second', 'third'].map((name) =>
    context.run(name, () => queue.run(async () => context.getStore())),
  )
  t.strictSame(await Promise.all(runs), ['first', 'second', 'third'])
})
