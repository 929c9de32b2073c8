import bcrypt from 'bcrypt'
import fc from 'fast-check'
import t from 'tap'
import { randomSalt } from '../src/bcrypt.ts'
import { parse } from '../src/parse.ts'

const salt = 'n79VH.0Q2TMWmt3Oqt9uku'
const digest = 'Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2'

t.test('takes a hash apart', async (t) => {
  const parts = { salt, digest }
  t.strictSame(parse(`$2b$12$${salt}${digest}`), {
    ...parts,
    scheme: 'bcrypt',
    version: '2b',
    cost: 12,
    keyId: undefined,
  })
  t.match(parse(`$2a$04$${salt}${digest}`), { version: '2a', cost: 4 })
  t.match(parse(`$2y$31$${salt}${digest}`), { version: '2y', cost: 31 })
  t.match(parse(`bcrypt_sha256$$2b$12$${salt}${digest}`), { ...parts, scheme: 'django' })
  t.match(parse(`$bcrypt-sha256$v=2,t=2b,r=5$${salt}$${digest}`), {
    ...parts,
    scheme: 'bcrypt-sha256',
    cost: 5,
  })
  t.match(parse(`$bcrypt-sha256$v=2,t=2b,r=31,keyid=2026-1$${salt}$${digest}`), { keyId: '2026-1', cost: 31 })
})

t.test('takes nothing for a hash that is none', async (t) => {
  for (const text of [
    `$2x$12$${salt}${digest}`,
    `$2$12$${salt}${digest}`,
    `$2B$12$${salt}${digest}`,
    `$2b$03$${salt}${digest}`,
    `$2b$32$${salt}${digest}`,
    `$2b$4$${salt}${digest}`,
    `$2b$012$${salt}${digest}`,
    `$2b$12$${salt}${digest.slice(1)}`,
    `$2b$12$${salt}+${digest.slice(1)}`,
    `2b$12$${salt}${digest}`,
    ` $2b$12$${salt}${digest}`,
    `$2b$12$${salt}$${digest}`,
    `$bcrypt-sha256$v=1,t=2b,r=12$${salt}$${digest}`,
    `$bcrypt-sha256$v=2,t=2y,r=12$${salt}$${digest}`,
    `$bcrypt-sha256$v=2,t=2b,r=05$${salt}$${digest}`,
    `$bcrypt-sha256$v=2,t=2b,r=12,keyid=$${salt}$${digest}`,
    `$bcrypt-sha256$v=2,t=2b,r=12,keyid=a_b$${salt}$${digest}`,
    `$bcrypt-sha256$v=2,t=2b,r=12$${salt}${digest}`,
    `bcrypt_sha256$$2x$12$${salt}${digest}`,
    '',
    null,
    undefined,
    60,
  ]) {
    t.equal(parse(text), undefined, String(text))
  }
})

t.test('reads only what bcrypt writes: one spelling of each salt and digest', async (t) => {
  const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  const written = new Set<string>()
  for (const last of ALPHABET) {
    const setting = `$2b$04$${salt.slice(0, -1)}${last}`
    const hash = await bcrypt.hash('pw', setting)
    const canonical = hash.startsWith(setting)
    t.equal(parse(setting + hash.slice(29)) !== undefined, canonical, last)
    written.add(hash.slice(-1))
  }
  for (const last of written) t.ok(parse(`$2b$04$${salt}${digest.slice(0, -1)}${last}`))
})

t.test('never throws, and never reads a hash with anything before or behind it', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
      t.equal(parse(text), undefined)
      t.equal(parse(`$2b$12$${salt}${digest}${text}`), undefined)
      t.equal(parse(`${text}$2b$12$${salt}${digest}`), undefined)
    }),
  )
})

t.test('a random salt is one of bcrypt’s own, and another each time', async (t) => {
  const salts = new Set(Array.from({ length: 500 }, randomSalt))
  t.equal(salts.size, 500)
  for (const one of salts) t.ok(parse(`$2b$12$${one}${digest}`))
  const lasts = new Set(Array.from(salts, (one) => one.at(-1)))
  t.strictSame([...lasts].sort(), ['.', 'O', 'e', 'u'])
})
