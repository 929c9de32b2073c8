import assert from 'node:assert/strict'
import { compare, explain } from '@auth-primer/auth-hash'
import { chapter } from '../../check/chapter.ts'

const PASSWORD = 'tomatoes in june'

await chapter(import.meta.url, async ({ load, database, check }) => {
  const { signUp } = await load<typeof import('./solution/sign-up.ts')>('sign-up.ts')
  const { knex } = await database()
  const storedPassword = async (email: string): Promise<string> => {
    const user = await knex('users').where({ email }).first()
    return user?.password
  }

  await check(
    'not-stored',
    'a new user is stored and returned without the password',
    [
      '`signUp` gets the database as `db`. Which columns of the table have no default?',
      'Insert a row with `email` and `password`, and let the INSERT return the values that the database set.',
      "`db('users').insert(row).returning(['id', 'email', 'created_at'])` returns a list with one row. Return its first element.",
    ],
    async () => {
      const user = await signUp(knex, 'ada@example.com', PASSWORD)
      assert.ok(
        await storedPassword('ada@example.com'),
        'After signUp(), the table has no row with the user’s email.',
      )
      assert.ok(!Array.isArray(user), 'signUp() must return one user. It returned a list of rows.')
      assert.deepEqual(
        Object.keys(user ?? {}).sort(),
        ['created_at', 'email', 'id'],
        'signUp() must return exactly these properties.',
      )
    },
  )

  await check(
    'plain-text',
    'the table has a bcrypt hash instead of the password',
    [
      'Read the row as a thief would. How many passwords per second could you try against it?',
      'Encoding (base64) and encryption can be undone. SHA-256 cannot, but it is fast, so guessing is fast, too. bcrypt is slow on purpose.',
      'Use `await hash(password)` from `@auth-primer/auth-hash`. Without `await`, you store a promise, which becomes `{}`.',
    ],
    async () => {
      const stored = await storedPassword('ada@example.com')
      assert.ok(!stored.includes(PASSWORD), 'The table contains the password itself.')
      assert.ok(!isFastHash(stored), 'The stored value looks like a fast hash, such as SHA-256. Use bcrypt.')
      assert.ok(isHash(stored), `The stored value is not a bcrypt hash: ${stored.slice(0, 30)}`)
      assert.ok(await compare(PASSWORD, stored), 'The stored hash does not match the password.')
    },
  )

  await check(
    'one-salt',
    'two users with the same password have different hashes',
    [
      'Where does the salt come from, and how often is it created?',
      'Each hash needs a new salt. It is stored inside the hash, and nowhere else.',
      '`hash(password)` creates a new salt for each hash.',
    ],
    async () => {
      await signUp(knex, 'bob@example.com', PASSWORD)
      const [ada, bob] = [await storedPassword('ada@example.com'), await storedPassword('bob@example.com')]
      assert.ok(ada !== bob, 'Two users with the same password have the same hash. One guess reveals both.')
    },
  )

  await check(
    'cut-at-72',
    'a password of 73 bytes is rejected and nothing is stored',
    [
      'What does bcrypt do with the 73rd byte? Step 2 shows it.',
      'Reject a password that bcrypt would cut off, before the INSERT. Count bytes: an emoji has four.',
      '`hash` throws an error for such a password. Do not catch it, and do not call `bcrypt` directly.',
    ],
    async () => {
      for (const [email, long] of Object.entries({
        'x@example.com': 'x'.repeat(73),
        'tomato@example.com': '🍅'.repeat(19),
      })) {
        const wasRejected = await signUp(knex, email, long).then(
          () => false,
          () => true,
        )
        const bytes = Buffer.byteLength(long)
        assert.ok(wasRejected, `signUp() must reject a password of ${bytes} bytes. It accepted it.`)
        assert.equal(
          await storedPassword(email),
          undefined,
          'signUp() rejected the password but stored the user.',
        )
      }
      await signUp(knex, 'max@example.com', 'x'.repeat(72))
      assert.ok(
        await storedPassword('max@example.com'),
        'A password of 72 bytes must be accepted and stored.',
      )
    },
  )
})

function isHash(text: string): boolean {
  try {
    return Boolean(explain(text))
  } catch {
    return false
  }
}

/** Returns true for a digest of MD5 or SHA in hex, or of SHA in base64. */
function isFastHash(text: string): boolean {
  return /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}|[\w+/-]{43}=?|[\w+/-]{86}(?:==)?)$/i.test(
    text,
  )
}
