import assert from 'node:assert/strict'
import { createHash, createHmac, getHashes } from 'node:crypto'
import { compare, explain } from '@auth-primer/auth-hash'
import { chapter } from '../../check/chapter.ts'

const PASSWORD = 'tomatoes in june'
/** A valid email with a quote, which ends a text in SQL. */
const BOB = "bob.o'hara@example.com"
const TOO_LONG = { ascii: 'x'.repeat(73), tomatoes: '🍅'.repeat(19) }

await chapter(import.meta.url, async ({ load, database, check, expectation }) => {
  const { signUp } = await load<typeof import('./solution/sign-up.ts')>('sign-up.ts', 'signUp')
  const { knex } = await database({ tables: 'users' })
  const find = (email: string) => knex('users').where({ email }).first()
  const storedPassword = async (email: string): Promise<string> => (await find(email))?.password

  await check(
    'not-stored',
    'a new user is stored and returned without the password',
    [
      '`signUp` gets the database as `db`. Which columns of the table have no default?',
      'Insert a row with `email` and `password`, and await the query: knex never sends a query that is not awaited.',
      "`await db('users').insert(row).returning(['id', 'email', 'created_at'])` returns a list with one row. Return its first element.",
    ],
    async () => {
      const user: unknown = await signUp(knex, 'ada@example.com', PASSWORD)
      const row = await find('ada@example.com')
      assert.ok(row, 'After signUp(), the table has no row with the user’s email.')

      await expectation(
        'list-returned',
        [
          'What does `insert(…).returning(…)` return: a row or a list of rows?',
          'An INSERT with `returning` returns a list, even if the list has only one row. Return the first element of the list.',
          '`const [user] = await db(…).insert(…).returning(…)`, then `return user`.',
        ],
        () => assert.ok(!Array.isArray(user), 'signUp() must return one user. It returned a list.'),
      )
      await expectation(
        'nothing-returned',
        [
          'The row is stored. What does `signUp` return?',
          'Only the database knows the ID and the time. Ask the INSERT to return them, and return the user.',
          "`const [user] = await db('users').insert(row).returning(['id', 'email', 'created_at'])`, then `return user`.",
        ],
        () =>
          assert.ok(
            typeof user === 'object' && user !== null && 'id' in user,
            `signUp() must return the new user. It returned ${user}.`,
          ),
      )
      await expectation(
        'password-returned',
        [
          'Print what `signUp` returns. Would you send all of it to a client?',
          'The hash must not leave the server. Return only the properties of `UserOut`.',
          "`returning('*')` returns every column. Name three: `returning(['id', 'email', 'created_at'])`.",
        ],
        () => {
          const shown = JSON.stringify(user)
          assert.ok(!shown.includes(PASSWORD), 'signUp() returned the password.')
          assert.ok(!shown.includes(row.password), 'signUp() returned the stored password hash.')
        },
      )
      await expectation(
        'other-properties',
        [
          'Compare the result with the interface `UserOut` in the file.',
          'Return `id`, `email` and `created_at`, with these names, and nothing else.',
          "`returning(['id', 'email', 'created_at'])`, or `return { id, email, created_at }`.",
        ],
        () =>
          assert.deepEqual(
            Object.keys(user as object).sort(),
            ['created_at', 'email', 'id'],
            'signUp() must return exactly these properties.',
          ),
      )
    },
  )

  await check(
    'plain-text',
    'the table has a bcrypt hash instead of the password',
    [
      'Read the row as a thief would. How could you get the password from it?',
      'Anyone can decode base64 or hex, or read reversed text, without a key. Nobody can turn a hash back into the password.',
      '`password: await hash(password)`, with `hash` from `@auth-primer/auth-hash`.',
    ],
    async () => {
      const stored = await storedPassword('ada@example.com')
      assert.ok(!stored.includes(PASSWORD), 'The table contains the password itself.')
      for (const encoding of ['base64', 'hex'] as const)
        assert.ok(
          !Buffer.from(stored, encoding).includes(PASSWORD),
          `The table contains the password in ${encoding}. Anyone can decode that.`,
        )
      assert.ok(
        ![...stored].reverse().join('').includes(PASSWORD),
        'The table contains the password, reversed.',
      )

      await expectation(
        'not-awaited',
        [
          'Read the stored value: does it look like a hash at all?',
          'Hashing takes time, so `hash` returns a promise. The row needs its value.',
          '`const row = { email, password: await hash(password) }`.',
        ],
        () =>
          assert.ok(
            !/^(\{.*\}|\[object .*\]|undefined|null|)$/.test(stored),
            `The stored value is \`${stored}\`, which is a promise or another object instead of a hash.`,
          ),
      )
      await expectation(
        'fast-hash',
        [
          'You store a hash, and nobody can turn it back into the password. How many passwords per second can a thief try against it?',
          'SHA-256, SHA-512 and MD5 are designed to be fast: a graphics card computes billions per second, with or without a salt. bcrypt is slow on purpose.',
          'Use `await hash(password)` from `@auth-primer/auth-hash`, which is bcrypt.',
        ],
        () => {
          const name = findFastHash(stored)
          assert.ok(!name, `The stored value is a ${name} digest, which is too fast to protect a password.`)
        },
      )
      await expectation(
        'own-format',
        [
          'What produced the stored value? A login has to be able to verify it.',
          'Encryption needs a key, which can be stolen and used to decrypt all passwords. scrypt and PBKDF2 are also slow, but the login in chapter 09 cannot read a custom format.',
          'Store what `await hash(password)` returns, without changes. It contains the version, cost, salt and digest.',
        ],
        () => assert.ok(isHash(stored), 'The stored value is not a bcrypt hash.'),
      )
      await expectation(
        'low-cost',
        [
          'The stored value is a bcrypt hash. What cost does it contain, after `$2b$`?',
          'Each increase of the cost by 1 doubles the time for a guess. The recommended minimum is 10.',
          '`hash(password)` uses 12. With the `bcrypt` package: `bcrypt.hash(password, 12)`.',
        ],
        () => {
          const cost = Number(/^\$2.\$(\d\d)/.exec(stored)?.[1] ?? 12)
          assert.ok(
            cost >= 10,
            `The cost of the hash is ${cost}, so a thief can guess passwords too quickly.`,
          )
        },
      )
      await expectation(
        'other-password',
        [
          'The stored value is a bcrypt hash. Which text exactly did you hash?',
          'A login hashes the password once, exactly as the user typed it. Do the same: don’t hash it twice, trim it or add a pepper.',
          'Call `await hash(password)` with the argument that `signUp` gets, unchanged.',
        ],
        async () =>
          assert.ok(
            await compare(PASSWORD, stored),
            'The stored hash does not match the password: something else was hashed.',
          ),
      )
    },
  )

  let max: Promise<unknown>

  await check(
    'one-salt',
    'two users with the same password have different hashes',
    [
      'Where does the salt come from, and how often is it created?',
      'Each hash needs a new salt. It is stored inside the hash, and nowhere else.',
      '`hash(password)` creates a new salt for each hash.',
    ],
    async () => {
      // The password for the last check, at the same time: each hash takes a quarter of a second.
      max = signUp(knex, 'max@example.com', 'x'.repeat(72))
      max.catch(() => {})
      await expectation(
        'sql-text',
        [
          'What happens to your SQL if the email contains a single quote?',
          'Never put a value into the text of an SQL statement: the value could itself contain SQL. Pass it as a parameter instead.',
          "`db.raw('INSERT … VALUES (?, ?)', [email, hashed])`, or knex's `insert`.",
        ],
        () => signUp(knex, BOB, PASSWORD),
      )
      const [ada, bob] = [await storedPassword('ada@example.com'), await storedPassword(BOB)]
      const salts = [ada, bob].map((hash) => hash.slice(0, hash.indexOf('$', 4) + 23))
      assert.ok(
        ada !== bob && salts[0] !== salts[1],
        'Two users with the same password have the same hash. One guess reveals both.',
      )
    },
  )

  await check(
    'cut-at-72',
    'a password of 73 bytes is rejected instead of being cut off, and nothing is stored',
    [
      'What does bcrypt do with the 73rd byte? Step 2 shows it.',
      'Before the INSERT, reject any password that bcrypt would truncate.',
      '`hash` throws an error for such a password. Do not catch it, and do not call `bcrypt` directly.',
    ],
    async () => {
      /** Returns true if the password was rejected, or if all of its bytes count. */
      const isSafe = async (email: string, password: string) => {
        const isRejected = await signUp(knex, email, password).then(
          () => false,
          () => true,
        )
        const row = await find(email)
        await expectation(
          'stored-anyway',
          [
            '`signUp` threw an error. Which comes first: the INSERT or the length check?',
            'Do everything that can fail before the INSERT.',
            'First `const row = { email, password: await hash(password) }`, then the INSERT.',
          ],
          () => assert.ok(!isRejected || !row, 'signUp() rejected the password but stored the user.'),
        )
        await expectation(
          'silent',
          [
            'How does the caller of `signUp` find out that the password is too long?',
            'Without an error, the caller continues as if the user existed. Throw an error.',
            'Let the error from `hash` propagate, or `throw new Error(…)`. Do not return `null`.',
          ],
          () =>
            assert.ok(
              isRejected || row,
              'signUp() stored nothing for a password that is too long, but threw no error.',
            ),
        )
        const first72 = Buffer.from(password).subarray(0, 72).toString()
        return isRejected || !(await compare(first72, row.password))
      }
      assert.ok(
        await isSafe('x@example.com', TOO_LONG.ascii),
        'signUp() accepted a password of 73 bytes. A login would ignore the last byte.',
      )
      await expectation(
        'counts-characters',
        [
          'How long is `"🍅"`? Count its characters, then its bytes.',
          'bcrypt counts bytes, and this emoji has four bytes. 19 tomatoes take up 76 bytes.',
          '`Buffer.byteLength(password)` counts bytes; `password.length` does not. Or leave the check to `hash`.',
        ],
        async () =>
          assert.ok(
            await isSafe('tomatoes@example.com', TOO_LONG.tomatoes),
            'signUp() accepted a password of 19 tomatoes, which has 76 bytes. A login would ignore the last four bytes.',
          ),
      )
      await expectation(
        'too-strict',
        [
          'What is the longest password that bcrypt reads completely?',
          'Only a password of more than 72 bytes is too long.',
          '`if (Buffer.byteLength(password) > 72) throw …`, or leave the check to `hash`.',
        ],
        async () => {
          const isAccepted = await max.then(
            () => true,
            () => false,
          )
          assert.ok(
            isAccepted && (await storedPassword('max@example.com')),
            'A password of 72 bytes must be accepted and stored.',
          )
        },
      )
    },
  )
})

/** bcrypt, or one of the schemes of auth-hash that `verify` reads. */
function isHash(text: string): boolean {
  try {
    return Boolean(explain(text))
  } catch {
    return false
  }
}

/** Returns the name of the fast hash function that made this value, with or without a salt that is stored next to it. */
function findFastHash(stored: string): string | undefined {
  const parts = [stored, ...stored.split(/[$:.;|,]/)]
  const salts = parts.flatMap((part) => [part, Buffer.from(part, 'hex'), Buffer.from(part, 'base64')])
  for (const name of ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-512']) {
    if (!getHashes().includes(name)) continue
    const digest = (...texts: (string | Buffer)[]) =>
      texts.reduce((hash, text) => hash.update(text), createHash(name)).digest()
    const candidates = [
      digest(PASSWORD),
      ...salts.flatMap((salt) => [
        digest(salt, PASSWORD),
        digest(PASSWORD, salt),
        createHmac(name, salt).update(PASSWORD).digest(),
        createHmac(name, PASSWORD).update(salt).digest(),
      ]),
    ]
    for (const bytes of candidates)
      for (const encoding of ['hex', 'base64', 'base64url'] as const)
        if (stored.toLowerCase().includes(bytes.toString(encoding).replace(/=+$/, '').toLowerCase()))
          return name.toUpperCase()
  }
  return /^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}|[\w+/]{43}=)$/i.test(stored)
    ? 'fast'
    : undefined
}
