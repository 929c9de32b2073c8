import bcrypt from 'bcrypt'
import t from 'tap'
import { compare, hash, needsRehash } from '../src/hash.ts'

t.test('hash and compare work as bcrypt’s own do, at cost 12', async (t) => {
  const stored = await hash('p@5sw0rd')
  t.match(stored, /^\$2b\$12\$/)
  t.equal(await compare('p@5sw0rd', stored), true)
  t.equal(await compare('p@5sw0rD', stored), false)
  t.equal(await bcrypt.compare('p@5sw0rd', stored), true)
})

t.test('compare says no where there is no hash, and to a swapped call', async (t) => {
  const stored = await bcrypt.hash('pw', 4)
  t.equal(await compare('pw', null), false)
  t.equal(await compare(stored, 'pw'), false)
})

t.test('what other packages take as a second or third argument is an error, and not ignored', async (t) => {
  const unsafe = { hash, compare, needsRehash } as unknown as Record<string, (...args: unknown[]) => unknown>
  const call = (name: string, ...args: unknown[]) => Promise.resolve().then(() => unsafe[name]?.(...args))
  const stored = await bcrypt.hash('pw', 4)
  const invalid = { code: 'AUTH_HASH_INVALID_OPTION' }
  for (const options of [10, { cost: 14 }, '10', null, () => {}]) {
    await t.rejects(call('hash', 'pw', options), invalid)
    await t.rejects(call('compare', 'pw', stored, options), invalid)
  }
  await t.rejects(call('needsRehash', stored, { cost: 4 }), invalid)
  t.same([stored, null].filter(needsRehash), [stored, null], 'but an index of `filter` is ignored')
  t.equal(await compare('pw', stored, { key: '192.0.2.1' }), true)
  t.match(await hash('pw', { signal: new AbortController().signal }), /^\$2b\$12\$/)
})
