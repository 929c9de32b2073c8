import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import { createQueue } from '../src/queue.ts'

/** What is published on each channel while `run` runs. */
async function heard(run: () => Promise<unknown>) {
  const messages: Record<string, unknown[]> = {}
  const names = ['compute', 'finish', 'verify', 'overload'].map((event) => `auth-primer:auth-hash:${event}`)
  const listen = (message: unknown, name: string | symbol) => {
    const event = String(name).slice('auth-primer:auth-hash:'.length)
    messages[event] = [...(messages[event] ?? []), message]
  }
  for (const name of names) subscribe(name, listen)
  await run()
  for (const name of names) unsubscribe(name, listen)
  return messages
}

const TIMES = { waitedMs: Number, workedMs: Number }
const password = 'hunter2'
const hasher = createHasher({ cost: 4, unsafeLowCost: true, concurrency: 1, maxQueue: 1 })

t.test('what is computed, judged and turned away can be listened to', async (t) => {
  const messages = await heard(async () => {
    const hash = await hasher.hash(password)
    await hasher.verify({ password, hash })
    await hasher.verify({ password: `${password}!`, hash })
    await hasher.verify({ password, hash: hash.replace('$04$', '$31$') })
    await Promise.allSettled([hasher.hash(password), hasher.hash(password), hasher.hash(password)])
  })
  t.match(messages, {
    compute: [{ cost: 4 }, { cost: 4 }, { cost: 4 }, { cost: 4 }, { cost: 4 }],
    verify: [
      { ok: true, needsRehash: false },
      { ok: false, reason: 'wrong-password' },
      { ok: false, reason: 'cost-too-high' },
    ],
    finish: [TIMES, TIMES, TIMES, TIMES, TIMES],
    overload: [{ running: 1, waiting: 1, retryAfter: 1 }],
  })
})

t.test('how long a call waited and worked is published', async (t) => {
  const finished: { waitedMs: number; workedMs: number }[] = []
  const listen = (message: unknown) => void finished.push(message as (typeof finished)[0])
  subscribe('auth-primer:auth-hash:finish', listen)
  let time = 0
  const queue = createQueue({ concurrency: 1, maxQueue: 1, now: () => time })
  let end = () => {}
  const first = queue.run(() => new Promise<void>((resolve) => (end = resolve)))
  const second = queue.run(async () => {
    time = 70
    throw new Error('failed')
  })
  await new Promise((resolve) => setImmediate(resolve))
  time = 50
  end()
  await first
  await t.rejects(second)
  unsubscribe('auth-primer:auth-hash:finish', listen)
  t.strictSame(finished, [
    { waitedMs: 0, workedMs: 50 },
    { waitedMs: 50, workedMs: 20 },
  ])
})

t.test('how long a call waited is published in the context of that call', async (t) => {
  const caller = new AsyncLocalStorage<string>()
  const heard: (string | undefined)[] = []
  const listen = () => void heard.push(caller.getStore())
  subscribe('auth-primer:auth-hash:finish', listen)
  const queue = createQueue({ concurrency: 1, maxQueue: 2, now: () => 0 })
  const names = ['first', 'second', 'third']
  await Promise.all(names.map((name) => caller.run(name, () => queue.run(async () => {}))))
  unsubscribe('auth-primer:auth-hash:finish', listen)
  t.same(heard, names)
})

t.test('nothing secret is published', async (t) => {
  let hash = ''
  const messages = await heard(async () => {
    hash = await hasher.hash(password)
    await hasher.verify({ password, hash })
  })
  t.notMatch(JSON.stringify(messages), password)
  t.notMatch(JSON.stringify(messages), hash.slice(29))
  t.equal(messages.verify?.length, 1)
})
