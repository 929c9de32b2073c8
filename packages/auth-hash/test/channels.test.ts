import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'

/** What is published on each channel while `run` runs. */
async function heard(run: () => Promise<unknown>) {
  const messages: Record<string, unknown[]> = {}
  const names = ['compute', 'verify', 'overload'].map((event) => `auth-primer:auth-hash:${event}`)
  const listen = (message: unknown, name: string | symbol) => {
    const event = String(name).slice('auth-primer:auth-hash:'.length)
    messages[event] = [...(messages[event] ?? []), message]
  }
  for (const name of names) subscribe(name, listen)
  await run()
  for (const name of names) unsubscribe(name, listen)
  return messages
}

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
  t.strictSame(messages, {
    compute: [{ cost: 4 }, { cost: 4 }, { cost: 4 }, { cost: 4 }, { cost: 4 }],
    verify: [
      { ok: true, needsRehash: false },
      { ok: false, reason: 'wrong-password' },
      { ok: false, reason: 'cost-too-high' },
    ],
    overload: [{ running: 1, waiting: 1, retryAfter: 1 }],
  })
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
