import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import { explain } from '../src/explain.ts'
import { OTHER_SCHEMES, PASSWORD, VECTORS } from './vectors.ts'
import { costsOf } from './work.ts'

const hasher = createHasher({ cost: 4, unsafeLowCost: true })

for (const [name, [hash, password]] of Object.entries(VECTORS)) {
  t.test(`the hash '${name}' that another system made verifies with its password and no other`, async (t) => {
    t.match(await hasher.verify({ password, hash }), { ok: true })
    t.strictSame(await hasher.verify({ password: `${password}!`, hash }), {
      ok: false,
      reason: 'wrong-password',
    })
    t.ok(explain(hash).meaning.scheme)
  })
}

t.test(
  'a prefix of another system does not make a hash weaker; another preparation of the password is due',
  async (t) => {
    for (const name of ['php', 'htpasswd', 'ldap', 'djangoBcrypt', 'spring'] as const) {
      t.equal(hasher.needsRehash(VECTORS[name][0]), false, name)
    }
    for (const name of ['passlibV1', 'djangoBcryptSha256', 'wordpress'] as const) {
      const [hash, password] = VECTORS[name]
      t.equal(hasher.needsRehash(hash), true, name)
      const saved: string[] = []
      await hasher.verify({ password, hash, save: (next) => saved.push(next) })
      t.match(saved, [/^\$2b\$1\d\$/])
      t.match(await hasher.verify({ password, hash: saved[0] }), { ok: true, needsRehash: false })
    }
  },
)

t.test('a long password whose old hash counted all of it becomes bcrypt-sha256', async (t) => {
  const [hash, password] = VECTORS.passlibV1Long
  const saved: string[] = []
  t.match(await hasher.verify({ password, hash, save: (next) => saved.push(next) }), { needsRehash: true })
  t.match(saved, [/^\$bcrypt-sha256\$v=2,t=2b,r=10\$/])
  t.match(await hasher.verify({ password, hash: saved[0] }), { ok: true, needsRehash: false })
  t.match(await hasher.verify({ password: `${password}!`, hash: saved[0] }), { ok: false })
})

t.test('prefixes are read in any case, and only in front of a whole hash', async (t) => {
  const bare = VECTORS.spring[0].slice('{bcrypt}'.length)
  for (const prefix of ['{BCRYPT}', '{crypt}', '{CRYPT}', '{BLF-CRYPT}', 'bcrypt$']) {
    t.match(await hasher.verify({ password: 'password', hash: prefix + bare }), { ok: true }, prefix)
  }
  for (const hash of [
    `{noop}${bare}`,
    `{bcrypt}{bcrypt}${bare}`,
    `bcrypt${bare}`,
    `{bcrypt} ${bare}`,
    '{bcrypt}',
  ]) {
    t.match(await hasher.verify({ password: 'password', hash }), { ok: false }, hash)
  }
})

t.test('WordPress cuts off white space around a password', async (t) => {
  const [hash] = VECTORS.wordpress
  t.match(await hasher.verify({ password: ` ${PASSWORD}\n`, hash }), { ok: true })
  t.match(await hasher.verify({ password: `\u00a0${PASSWORD}`, hash }), { ok: false }, 'only that of PHP')
})

t.test('a sound hash of another scheme is told from a damaged one, with the same work', async (t) => {
  for (const [name, hash] of Object.entries(OTHER_SCHEMES)) {
    const costs = await costsOf(async () => {
      t.strictSame(
        await hasher.verify({ password: PASSWORD, hash }),
        { ok: false, reason: 'unsupported-scheme' },
        name,
      )
    })
    t.strictSame(costs, [4], name)
    t.throws(() => explain(hash), { code: 'AUTH_HASH_UNSUPPORTED_SCHEME' }, name)
  }
  const damaged = [
    ...Object.values(VECTORS).map(([hash]) => hash.slice(0, -1)),
    '$argon2id$v=19$m=8,t=1',
    'x',
    '',
  ]
  for (const hash of damaged) {
    const verdict = await hasher.verify({ password: PASSWORD, hash })
    t.strictSame(verdict, { ok: false, reason: 'malformed-hash' }, hash)
    t.throws(() => explain(hash), { code: 'AUTH_HASH_MALFORMED_HASH' }, hash)
  }
})
