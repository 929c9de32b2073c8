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
  const expected =
    "Expected a hash of bcrypt, bcrypt-sha256, Django's or WordPress's bcrypt, or argon2id, got "
  for (const [hash, kind] of [
    [`$2b$12$${rest.slice(1)}`, 'one of bcrypt with 59 characters instead of 60'],
    [`$2b$99$${rest}`, 'one that is damaged'],
    [`$bcrypt-sha256$v=3,t=2b,r=12$${rest}`, 'one that is damaged'],
    [`$2b$12$${rest}\n`, 'one with white space around it'],
    [`$2b$12$${rest}            `, 'one with white space around it'],
    ['$argon2id$v=19$hunter2', 'one that is damaged'],
    ['$wp$hunter2', 'one that is damaged'],
    ['{bcrypt}hunter2', 'one that is damaged'],
    ['{BLF-CRYPT}hunter2', 'one that is damaged'],
    ['hunter2', 'a string that is not a hash'],
    ['', 'an empty string'],
    [Buffer.from(`$2b$12$${rest}`), 'an object'],
    [undefined, 'undefined'],
  ] as const) {
    t.throws(() => explain(hash as string), { code: 'AUTH_HASH_MALFORMED_HASH', message: expected + kind })
  }
  for (const [hash, kind] of [
    [`$2x$12$${rest}`, 'one of bcrypt 2x, which marks hashes of a faulty implementation'],
    [`$2$12$${rest}`, 'one of bcrypt 2, the first version, which is no longer written'],
    ['pbkdf2_sha256$1$hunter2$x', 'one of PBKDF2'],
    ['{SSHA512}hunter2', 'one of a digest that is not slow'],
    ['$S$Dhunter2', 'one of a scheme that is not known here'],
    ['{noop}hunter2', 'one of a scheme that is not known here'],
    ['*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19', 'one of hexadecimal digits, as a bare digest has'],
    ['$argon2d$v=19$hunter2', 'one of Argon2 in another form than argon2id of version 19'],
  ] as const) {
    t.throws(() => explain(hash), { code: 'AUTH_HASH_UNSUPPORTED_SCHEME', message: expected + kind })
  }
})
