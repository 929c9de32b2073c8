import { createHash, createHmac } from 'node:crypto'
import { Blocked, Failure, NotChecked, type Stage } from '../check.ts'
import { findStoredTexts } from '../database.ts'
import type { Sent } from '../http.ts'
import type { Credentials, Subject } from '../subject.ts'

/** The notations of functions that were made for passwords. */
const SLOW = [
  /\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}/,
  /\$argon2/,
  /scrypt/,
  /pbkdf2/i,
  /\$bcrypt-sha256\$/,
  /\$[56y7]\$/,
]
/** A shorter value is not a hash. */
const MIN_HASH_LENGTH = 20
const FAST = ['md5', 'sha1', 'sha256', 'sha512']

export const hashesPasswords: Stage = {
  number: '07',
  slug: 'hashes-passwords',
  title: 'Passwords are hashed',
  checks: [
    {
      id: 'password-in-plain-text',
      title: 'the table does not contain the password in any encoding',
      hints: [
        'Sign up, and look at the table. What would someone who steals it see?',
        'Store a hash. Base64 and encryption can be reversed.',
        'Node: `await bcrypt.hash(password, 12)`, or `@auth-primer/auth-hash`. Python: `bcrypt.hashpw`, passlib or pwdlib.',
      ],
      async run(subject) {
        const { texts, encoding, sent } = await signUpAndLook(subject)
        if (encoding) throw new Failure('a hash of the password', `the password itself ${encoding}`, sent)
        if (texts.length === 0)
          throw new Failure('a row with the user’s email', 'no such row in any table of the database', sent)
      },
    },
    {
      id: 'fast-hash',
      title: 'the hash comes from a function that was designed for passwords',
      hints: [
        'Which function computed the stored value? How many passwords per second can it hash?',
        'SHA-256 and MD5 are designed to be fast. Use bcrypt, Argon2, scrypt or PBKDF2.',
        'A bcrypt hash begins with `$2b$12$`, an Argon2 hash with `$argon2id$`.',
      ],
      async run(subject) {
        const { credentials, texts, sent } = await needHash(subject)
        const fast = findFastHash(credentials.password, texts)
        if (fast)
          throw new Failure(
            'a bcrypt, Argon2, scrypt or PBKDF2 hash',
            `a hash by ${fast}, which is fast`,
            sent,
          )
        if (!texts.some((text) => SLOW.some((pattern) => pattern.test(text))))
          throw new NotChecked('No value in the row with the email is a hash in a known library’s notation.')
      },
    },
    {
      id: 'no-salt',
      title: 'two users with the same password have different hashes',
      hints: [
        'Sign up two users with the same password, and compare the stored values.',
        'Each hash needs a new random salt. bcrypt and Argon2 create it automatically.',
        'Don’t pass your own salt. Pass only the cost: `bcrypt.hash(password, 12)`.',
      ],
      async run(subject) {
        const { password } = subject.newCredentials()
        const [first, second] = [await needHash(subject, password), await needHash(subject, password)]
        const shared = first.texts.find(
          (text) => text.length >= MIN_HASH_LENGTH && second.texts.includes(text),
        )
        if (shared !== undefined)
          throw new Failure('two different values', 'the same value in both rows', second.sent)
      },
    },
  ],
}

interface Stored {
  readonly credentials: Credentials
  /** The texts in the rows of the database that contain the email. */
  readonly texts: readonly string[]
  /** How the database contains the password, if it does. */
  readonly encoding: string | undefined
  /** The sign-up. */
  readonly sent: Sent
}

/** Signs a user up, and looks for the email and the password in all tables. */
async function signUpAndLook(subject: Subject, password?: string): Promise<Stored> {
  const { databaseUrl } = subject.options
  if (databaseUrl === undefined)
    throw new NotChecked('Pass `--database` with the URL of the Postgres database.')
  const credentials = await subject.needUser(password)
  const sent = subject.lastSent as Sent
  const bytes = Buffer.from(credentials.password)
  const encodings = {
    'in plain text': credentials.password,
    'in Base64': bytes.toString('base64'),
    'in hex': bytes.toString('hex'),
  }
  const wanted = [credentials.email, ...Object.values(encodings)]
  const [texts = [], ...encoded] = await findStoredTexts(databaseUrl, wanted)
  const encoding = Object.keys(encodings).find((_name, index) => (encoded[index]?.length ?? 0) > 0)
  return { credentials, texts: texts.filter((text) => text !== credentials.email), encoding, sent }
}

/** Looks at the row of a new user for a check that is about its hash. */
async function needHash(subject: Subject, password?: string): Promise<Stored> {
  const stored = await signUpAndLook(subject, password)
  if (stored.encoding)
    throw new Blocked(`This check needs a hash. The table contains the password itself ${stored.encoding}.`)
  if (stored.texts.length === 0)
    throw new Blocked('This check needs the user’s row. No table of the database has a row with the email.')
  return stored
}

/** Returns the name of the fast hash function that made one of these texts, with or without a salt among them. */
function findFastHash(password: string, texts: readonly string[]): string | undefined {
  const parts = texts.flatMap((text) => [text, ...text.split(/[$:.;|,]/)]).filter((part) => part !== '')
  const salts = ['', ...parts].flatMap((part) => [
    Buffer.from(part),
    Buffer.from(part, 'hex'),
    Buffer.from(part, 'base64'),
  ])
  for (const name of FAST)
    for (const salt of salts) {
      const digests = [
        createHash(name).update(salt).update(password).digest(),
        createHash(name).update(password).update(salt).digest(),
        createHmac(name, salt).update(password).digest(),
      ]
      for (const digest of digests)
        for (const encoding of ['hex', 'base64', 'base64url'] as const)
          if (
            parts.some((part) =>
              part.toLowerCase().startsWith(digest.toString(encoding).replace(/=+$/, '').toLowerCase()),
            )
          )
            return name.toUpperCase()
    }
  return undefined
}
