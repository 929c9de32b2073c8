import assert from 'node:assert/strict'
import { compare, explain } from '@auth-primer/auth-hash'
import { chapter } from '../../check/chapter.ts'

const PASSWORD = 'tomatoes in june'

await chapter(import.meta.url, async ({ load, database, claim }) => {
  const { signUp } = await load<typeof import('./solution/sign-up.ts')>('sign-up.ts')
  const { knex } = await database()
  const storedOf = async (email: string): Promise<string> => {
    const user = await knex('users').where({ email }).first()
    return user?.password
  }

  await claim(
    'not-stored',
    'a new user is stored, and shown without the password',
    [
      '`signUp` is given the database as `db`. What does the table want to know of a user?',
      'Insert a row with `email` and `password`, and take from the INSERT what it has made up itself.',
      "`db('users').insert(row).returning(['id', 'email', 'created_at'])` answers with a list of one.",
    ],
    async () => {
      const user = await signUp(knex, 'ada@example.com', PASSWORD)
      assert.ok(await storedOf('ada@example.com'), 'There is no row with the user’s e-mail.')
      assert.deepEqual(
        Object.keys(user ?? {}).sort(),
        ['created_at', 'email', 'id'],
        'These members are shown.',
      )
    },
  )

  await claim(
    'plain-text',
    'the table has a bcrypt hash, and not the password',
    [
      'Read the row as a thief would. What can be computed back from it?',
      'Encoding (base64) and encryption can be undone. Store a hash: it has no way back.',
      '`hash` of `@auth-primer/auth-hash` makes one: `await hash(password)`. Without `await` it is a promise, stored as `{}`.',
    ],
    async () => {
      const stored = await storedOf('ada@example.com')
      assert.ok(!stored.includes(PASSWORD), 'The password stands in the table.')
      assert.ok(isHash(stored), `What is stored is no bcrypt hash: ${stored.slice(0, 30)}`)
      assert.ok(await compare(PASSWORD, stored), 'The hash is not that of the password.')
    },
  )

  await claim(
    'one-salt',
    'two users with one password have two hashes',
    [
      'Where does the salt come from, and how often?',
      'A salt is made anew for each hash, and stands in it. None is kept beside the table.',
      'Let `hash(password)` make the salt: it takes none from you.',
    ],
    async () => {
      await signUp(knex, 'bob@example.com', PASSWORD)
      const [ada, bob] = [await storedOf('ada@example.com'), await storedOf('bob@example.com')]
      assert.ok(ada !== bob, 'Ada and Bob have the same hash: who guesses the one knows the other.')
    },
  )

  await claim(
    'cut-at-72',
    'a password of 73 bytes is refused, and nothing is stored',
    [
      'What does bcrypt do with the 73rd byte? Step 2 shows it.',
      'Refuse what cannot be hashed whole, before the INSERT. Count bytes: an emoji has four.',
      '`hash` refuses it by throwing. Do not catch that, and do not call `bcrypt` yourself.',
    ],
    async () => {
      for (const [email, long] of Object.entries({
        'x@example.com': 'x'.repeat(73),
        'tomato@example.com': '🍅'.repeat(19),
      })) {
        await assert.rejects(signUp(knex, email, long), `${Buffer.byteLength(long)} bytes were taken.`)
        assert.equal(await storedOf(email), undefined, 'It was refused, and stored all the same.')
      }
      await signUp(knex, 'max@example.com', 'x'.repeat(72))
      assert.ok(await storedOf('max@example.com'), '72 bytes are fine, and were refused.')
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
