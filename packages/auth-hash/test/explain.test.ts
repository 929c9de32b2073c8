import t from 'tap'
import { explain } from '../src/explain.ts'

const rest = 'zQ4CooEXdGqcwi0PHsgc8eAf0DLXE/XHoBE8kCSGQ97rXwuClaPam'

t.test('takes a hash apart, with a sentence on each part', async (t) => {
  const { meaning, ...parts } = explain(`$2b$12$${rest}`)
  t.strictSame(parts, {
    scheme: 'bcrypt',
    version: '2b',
    cost: 12,
    salt: rest.slice(0, 22),
    digest: rest.slice(22),
    keyId: undefined,
  })
  t.strictSame(Object.keys(meaning), ['scheme', 'version', 'cost', 'salt', 'digest', 'keyId'])
  for (const sentence of Object.values(meaning)) t.match(sentence, /^\S.+\.$/)
  t.match(meaning.cost, '2^12 = 4,096 rounds')
  t.match(meaning.keyId, /^No pepper/)
})

t.test('knows the scheme, the version and the pepper', async (t) => {
  t.match(explain(`$2a$12$${rest}`).meaning.version, '1999')
  t.match(explain(`$2y$12$${rest}`).meaning.version, 'PHP')
  t.match(explain(`bcrypt_sha256$$2b$12$${rest}`).meaning.scheme, 'Django')
  const peppered = explain(`$bcrypt-sha256$v=2,t=2b,r=12,keyid=a$${rest.slice(0, 22)}$${rest.slice(22)}`)
  t.match(peppered.meaning.scheme, 'passlib')
  t.match(peppered.meaning.keyId, /^The id of the secret key/)
})

t.test('says what kind of thing came instead, never the thing', async (t) => {
  const expected = 'Expected a hash of bcrypt ($2a$, $2b$, $2y$), of bcrypt-sha256 or of Django, got '
  for (const [hash, kind] of [
    [`$2x$12$${rest}`, 'one of version 2x, which marks hashes of a faulty implementation'],
    [`$2$12$${rest}`, 'one of version 2, the first, which nobody writes any more'],
    [`$2b$12$${rest.slice(1)}`, "one of 59 characters where bcrypt's have 60"],
    [`$2b$99$${rest}`, 'a string of another kind'],
    ['hunter2', 'a string of another kind'],
    [undefined, 'undefined'],
  ] as const) {
    t.throws(() => explain(hash as string), { code: 'AUTH_HASH_MALFORMED_HASH', message: expected + kind })
  }
})
