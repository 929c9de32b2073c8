import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chapter, type Hints } from '../../check/chapter.ts'

const random = (bytes: number) => randomBytes(bytes).toString('hex')
const PASSWORD = random(8)
const VALID = {
  DATABASE_URL: `postgres://social:${PASSWORD}@127.0.0.1:5432/social`,
  JWT_SECRET: random(24),
  PORT: '8080',
  LOG_LEVEL: 'debug',
}

const DEFAULT_SECRET: Hints = [
  'Leave out `JWT_SECRET`. What secret does the service sign its tokens with?',
  'A secret must not have a default, not even a random one. Without the variable, the service must not start.',
  'Make `JWT_SECRET: Type.String({ minLength: 32 })` a required property without `default`.',
]

const VALUE_IN_MESSAGE: Hints = [
  'Where does your error message end up, and who reads the log?',
  'Name the variable, and say what you expected. Never print the value that you got: it may be a secret with a typo.',
  'Print only the names: `throw new Error("Missing or invalid: " + names.join(", "))`.',
]

await chapter(import.meta.url, async ({ load, check, expectation }) => {
  const { readSettings } = await load<typeof import('./solution/settings.ts')>('settings.ts', 'readSettings')
  const read = async (env: Record<string, string>) => readSettings(env)
  /** Returns the error for these variables, or undefined if they are accepted. */
  const refuse = (env: Record<string, string>): Promise<unknown> =>
    read(env).then(
      () => undefined,
      (error) => error ?? new Error('undefined was thrown'),
    )
  const without = (name: keyof typeof VALID) => {
    const { [name]: _, ...others } = VALID
    return others
  }

  await check(
    'not-read',
    'valid variables become settings',
    [
      'The function gets the variables as `env`. What does it return for valid ones?',
      'Return an object with `databaseUrl`, `jwtSecret`, `port` and `logLevel`.',
      'Check each variable, and then `return { databaseUrl: env.DATABASE_URL, … }`.',
    ],
    async () => {
      const settings = await read(VALID)
      await expectation(
        'port-as-text',
        [
          'What type does `process.env.PORT` have, and what type does `port` have in `Settings`?',
          'Every environment variable is a string. Convert the port to a number.',
          '`Value.Convert(Variables, …)` with `PORT: Type.Integer(…)`, or `Number(env.PORT)`.',
        ],
        () => assert.ok(typeof settings?.port !== 'string', 'The port is a string. It must be a number.'),
      )
      const { databaseUrl, jwtSecret, port, logLevel } = settings ?? {}
      assert.deepEqual(
        { port, logLevel },
        { port: 8080, logLevel: 'debug' },
        'The settings must have the values from PORT=8080 and LOG_LEVEL=debug.',
      )
      assert.ok(databaseUrl === VALID.DATABASE_URL, 'databaseUrl must be the value of DATABASE_URL.')
      assert.ok(jwtSecret === VALID.JWT_SECRET, 'jwtSecret must be the value of JWT_SECRET.')
    },
  )

  await check(
    'no-defaults',
    'PORT and LOG_LEVEL have defaults, and other variables are ignored',
    [
      'What does your function do if `PORT` and `LOG_LEVEL` are not set?',
      'Use 3000 as the default port and info as the default level.',
      '`PORT: Type.Integer({ …, default: 3000 })`, and `Value.Default` fills it in.',
    ],
    async () => {
      const { DATABASE_URL, JWT_SECRET } = VALID
      const { port, logLevel } = await read({ DATABASE_URL, JWT_SECRET })
      assert.deepEqual(
        { port, logLevel },
        { port: 3000, logLevel: 'info' },
        'Without PORT and LOG_LEVEL, the settings must have the default values.',
      )
      await expectation(
        'rejects-others',
        [
          'How many environment variables does your shell have? Run `env`.',
          'Ignore variables that you don’t use. The environment is full of them.',
          'Leave out `additionalProperties: false`.',
        ],
        async () =>
          assert.equal(
            await refuse({ ...VALID, PATH: '/usr/bin', HOME: '/home/ada' }),
            undefined,
            'The settings were rejected because the environment also had PATH and HOME.',
          ),
      )
    },
  )

  await check(
    'default-secret',
    'settings without a database URL or a good secret are rejected',
    DEFAULT_SECRET,
    async () => {
      assert.ok(await refuse(without('JWT_SECRET')), 'Without JWT_SECRET, the settings must be rejected.')
      await expectation(
        'default-database',
        [
          'Leave out `DATABASE_URL`. Which database does the service use?',
          'A default would hide the missing variable. In production, the service would write to the wrong database.',
          'Make `DATABASE_URL` a required property without `default`.',
        ],
        async () =>
          assert.ok(
            await refuse(without('DATABASE_URL')),
            'Without DATABASE_URL, the settings must be rejected.',
          ),
      )
      await expectation(
        'short-secret',
        [
          'What is the shortest secret that you accept? Step 3 guesses a secret with four digits.',
          'Reject a secret with fewer than 32 characters. An empty secret counts as missing.',
          '`JWT_SECRET: Type.String({ minLength: 32 })`',
        ],
        async () => {
          for (const length of [0, 8, 31])
            assert.ok(
              await refuse({ ...VALID, JWT_SECRET: random(16).slice(0, length) }),
              `A secret with ${length} characters must be rejected.`,
            )
          assert.equal(
            await refuse({ ...VALID, JWT_SECRET: random(16) }),
            undefined,
            'A secret with 32 characters must be accepted.',
          )
        },
      )
    },
  )

  await check(
    'port-unchecked',
    'an invalid value is rejected when the service starts',
    [
      'What does your function return for `PORT=eighty`, and for `PORT=99999`?',
      'A port is a whole number from 0 to 65535. Reject everything else.',
      '`PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3000 })`',
    ],
    async () => {
      for (const PORT of ['eighty', '99999', '-1'])
        assert.ok(await refuse({ ...VALID, PORT }), `PORT=${PORT} must be rejected.`)
      await expectation(
        'level-unchecked',
        [
          'What does the logger do with the level `verbose`?',
          'Accept only the levels that the logger knows: fatal, error, warn, info, debug and trace.',
          "`LOG_LEVEL: Type.Union([Type.Literal('fatal'), …], { default: 'info' })`",
        ],
        async () => {
          assert.ok(await refuse({ ...VALID, LOG_LEVEL: 'verbose' }), 'LOG_LEVEL=verbose must be rejected.')
          for (const LOG_LEVEL of ['fatal', 'error', 'warn', 'info', 'debug', 'trace'])
            assert.equal(
              await refuse({ ...VALID, LOG_LEVEL }),
              undefined,
              `LOG_LEVEL=${LOG_LEVEL} must be accepted.`,
            )
        },
      )
      await expectation(
        'url-unchecked',
        [
          'What does your function return for a DATABASE_URL that begins with `mysql://`?',
          'The URL must begin with `postgres://` or `postgresql://`.',
          '`DATABASE_URL: Type.RegExp(/^postgres(ql)?:\\/\\/./)`',
        ],
        async () => {
          for (const DATABASE_URL of ['', 'mysql://127.0.0.1/social', 'social'])
            assert.ok(
              await refuse({ ...VALID, DATABASE_URL }),
              `DATABASE_URL=${DATABASE_URL} must be rejected.`,
            )
          const DATABASE_URL = VALID.DATABASE_URL.replace('postgres:', 'postgresql:')
          assert.equal(
            await refuse({ ...VALID, DATABASE_URL }),
            undefined,
            'A DATABASE_URL that begins with postgresql:// must be accepted.',
          )
        },
      )
    },
  )

  await check(
    'first-only',
    'the error names every invalid variable and contains no values',
    [
      'Two variables are invalid. How many times do you have to start the service to find out about both?',
      'Collect all problems first, and then throw one error that lists them.',
      '`[...Value.Errors(Variables, values)]` contains all problems. The `path` of each one names the variable.',
    ],
    async () => {
      const secret = random(8)
      const wrong = {
        DATABASE_URL: `mysql://social:${PASSWORD}@127.0.0.1/social`,
        JWT_SECRET: secret,
        PORT: '70007',
        LOG_LEVEL: 'chatty',
      }
      const error = await refuse(wrong)
      const text = `${error instanceof Error ? error.message : error}`
      await expectation('value-in-message', VALUE_IN_MESSAGE, () => {
        for (const value of [secret, PASSWORD, '70007', 'chatty'])
          assert.ok(!text.includes(value), 'The error message contains a variable’s value.')
      })
      const names = Object.keys(wrong).filter((name) => text.includes(name))
      await expectation(
        'unnamed',
        [
          'Read your error message. Would you know what to fix?',
          'The message must contain the variables’ names, exactly as they are in the environment.',
          '`throw new Error("Missing or invalid: " + names.join(", "))`',
        ],
        () => assert.ok(names.length > 0, 'The error message does not name any variable.'),
      )
      assert.deepEqual(
        names,
        Object.keys(wrong),
        'All four variables are invalid, so the message must name all four.',
      )
      const missing = `${await refuse({})}`
      assert.ok(
        missing.includes('DATABASE_URL') && missing.includes('JWT_SECRET'),
        'If no variables are set, the message must name DATABASE_URL and JWT_SECRET.',
      )
      assert.ok(
        !`${await refuse({ ...VALID, PORT: 'eighty' })}`.includes('JWT_SECRET'),
        'The message names JWT_SECRET, although only PORT is invalid.',
      )
    },
  )
})
