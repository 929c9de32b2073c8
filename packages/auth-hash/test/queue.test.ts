import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import { createQueue } from '../src/queue.ts'
import { costsOf } from './work.ts'

/** A job that ends when it is told to. */
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

t.test('runs no more than concurrency at a time, and each in its turn', async (t) => {
  const queue = createQueue({ concurrency: 2, maxQueue: 10, now: still })
  const jobs = [job(), job(), job(), job()]
  const runs = jobs.map(({ run }) => queue.run(run, undefined))
  t.strictSame(
    jobs.map(({ started }) => started),
    [true, true, false, false],
  )
  jobs[1]?.end()
  await runs[1]
  t.strictSame(
    jobs.map(({ started }) => started),
    [true, true, true, false],
  )
  t.match(queue.stats, { running: 2, waiting: 1, finished: 1 })
  for (const { end } of jobs) end()
  await Promise.all(runs)
  t.match(queue.stats, { running: 0, waiting: 0, finished: 4, overloaded: 0, aborted: 0 })
})

t.test('turns away what finds the queue full, at once', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 1, now: still })
  const [running, waiting, more] = [job(), job(), job()]
  const runs = [queue.run(running.run, undefined), queue.run(waiting.run, undefined)]
  await t.rejects(queue.run(more.run, undefined), { code: 'AUTH_HASH_OVERLOADED', retryAfter: 1 })
  t.equal(more.started, false)
  t.match(queue.stats, { overloaded: 1, waiting: 1 })
  running.end()
  waiting.end()
  await Promise.all(runs)
  more.end()
  await t.resolves(queue.run(more.run, undefined))
})

t.test('a place that is kept is nobody else’s, and the call that has it is not turned away', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 1, now: still })
  const [running, waiting] = [job(), job()]
  const first = queue.run(running.run, undefined)
  const place = queue.reserve()
  t.throws(() => queue.reserve(), { code: 'AUTH_HASH_OVERLOADED', retryAfter: 1 })
  await t.rejects(queue.run(job().run, undefined), { code: 'AUTH_HASH_OVERLOADED' })
  t.match(queue.stats, { running: 1, waiting: 0, overloaded: 2 })
  const second = queue.run(waiting.run, undefined, place)
  t.match(queue.stats, { running: 1, waiting: 1 })
  await t.rejects(queue.run(job().run, undefined, place), { code: 'AUTH_HASH_OVERLOADED' }, 'taken once')
  place.release()
  t.throws(() => queue.reserve(), { code: 'AUTH_HASH_OVERLOADED' }, 'what is taken cannot be given back')
  running.end()
  waiting.end()
  await Promise.all([first, second])
})

t.test('a place that is given back is free', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 0, now: still })
  const place = queue.reserve()
  place.release()
  place.release()
  const next = queue.reserve()
  const foreign = createQueue({ concurrency: 1, maxQueue: 0, now: still }).reserve()
  for (const none of [place, foreign])
    await t.rejects(queue.run(job().run, undefined, none), { code: 'AUTH_HASH_OVERLOADED' })
  await t.resolves(queue.run(async () => 1, undefined, next))
})

t.test('says when to come back by how long the queue takes', async (t) => {
  let ms = 0
  const queue = createQueue({ concurrency: 2, maxQueue: 10, now: () => ms })
  await queue.run(async () => {
    ms += 500
  }, undefined)
  await queue.run(async () => {
    ms += 500
  }, undefined)
  const jobs = Array.from({ length: 12 }, job)
  const runs = jobs.map(({ run }) => queue.run(run, undefined))
  // Eleven jobs of half a second, two at a time.
  await t.rejects(
    queue.run(async () => 1, undefined),
    { code: 'AUTH_HASH_OVERLOADED', retryAfter: 3 },
  )
  for (const { end } of jobs) end()
  await Promise.all(runs)
})

t.test('a queue of none lets one call follow another', async (t) => {
  const hasher = createHasher({ cost: 4, unsafeLowCost: true, concurrency: 1, maxQueue: 0 })
  for (let call = 0; call < 5; call += 1) await t.resolves(hasher.hash('pw'))
  const first = hasher.hash('pw')
  await t.rejects(hasher.hash('pw'), { code: 'AUTH_HASH_OVERLOADED' })
  await first
})

t.test('an aborted call leaves the queue at once and never runs', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 2, now: still })
  const [running, given, next] = [job(), job(), job()]
  const first = queue.run(running.run, undefined)
  const controller = new AbortController()
  const second = queue.run(given.run, controller.signal)
  const third = queue.run(next.run, undefined)
  controller.abort()
  t.match(queue.stats, { running: 1, waiting: 1, aborted: 1 })
  await t.rejects(second, { name: 'AbortError' })
  running.end()
  await first
  t.equal(given.started, false)
  t.equal(next.started, true, 'its place goes to the next')
  next.end()
  await third
  t.match(queue.stats, { running: 0, waiting: 0, finished: 2 })
})

t.test('rejects with the reason of the signal', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 2, now: still })
  const reason = new Error('the client has gone')
  await t.rejects(queue.run(job().run, AbortSignal.abort(reason)), reason)
  const running = job()
  const first = queue.run(running.run, undefined)
  const controller = new AbortController()
  const second = queue.run(job().run, controller.signal)
  controller.abort(reason)
  await t.rejects(second, reason)
  running.end()
  await t.resolves(first)
})

t.test('a call that runs keeps its place until it is done, aborted or not', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 2, now: still })
  const [running, next] = [job(), job()]
  const controller = new AbortController()
  const first = queue.run(running.run, controller.signal)
  const second = queue.run(next.run, undefined)
  controller.abort()
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(next.started, false, 'bcrypt cannot be stopped: its thread is not free')
  t.match(queue.stats, { running: 1, waiting: 1, aborted: 0 })
  running.end()
  await t.resolves(first)
  next.end()
  await t.resolves(second)
})

t.test('a job that throws frees its place', async (t) => {
  const queue = createQueue({ concurrency: 1, maxQueue: 0, now: still })
  await t.rejects(
    queue.run(() => Promise.reject(new Error('no memory')), undefined),
    { message: 'no memory' },
  )
  t.match(queue.stats, { running: 0, finished: 1 })
  await t.resolves(queue.run(async () => 1, undefined))
})

t.test('leaves no listener on a signal that outlives the call', async (t) => {
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

t.test('an aborted log-in computes nothing, and those behind it go on', async (t) => {
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

t.test('a hasher never computes on more threads than it may', async (t) => {
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
