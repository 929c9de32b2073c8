import bcrypt from 'bcrypt'
import t from 'tap'
import { compare, hash } from '../src/hash.ts'

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
