import { resolve } from 'node:path'
import t from 'tap'
import { ConfigError, readConfig } from '../src/config.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const SECRET = 'qmRwtZ8bVxJ3nLpK5sDfG7hYcA2eTu9i'
const PRODUCTION = { NODE_ENV: 'production', DATABASE_URL: 'postgres://h/d', JWT_SECRET: SECRET }

t.test('an empty environment gives the defaults', async (t) => {
  t.same(readConfig({}), {
    production: false,
    host: '127.0.0.1',
    port: 3000,
    databaseUrl: undefined,
    poolMax: 10,
    dbLimits: 'transaction',
    dataDir: resolve(CHECKOUT, '.data'),
    siteDir: resolve(CHECKOUT, 'site'),
    jwtSecret: undefined,
    accessTokenTtl: '30m',
    refreshTokenTtl: '30d',
    refreshFamilyTtl: '90d',
    bcryptCost: 12,
    metricsPort: undefined,
    corsOrigins: [],
    trustProxy: undefined,
    throttles: {
      requestsPerMinute: 1200,
      signUpsPerMinute: 240,
      failedLoginsPerAccount: 20,
      failedLoginsPerAddress: 100,
    },
    minLevel: 'info',
    xray: true,
  })
})

t.test('readConfig() does not change the environment, and its result is frozen', async (t) => {
  const variables = Object.freeze({ PORT: '8000', EDITOR: 'vi' })
  const config = readConfig(variables)
  t.same(variables, { PORT: '8000', EDITOR: 'vi' })
  t.ok(Object.isFrozen(config))
  t.notOk('EDITOR' in config)
})

/** Secrets from FastAPI's documentation and jwt.io, and an obvious one. */
const WELL_KNOWN = [
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  'a-string-secret-at-least-256-bits-long',
  '0123456789abcdef0123456789abcdef',
]

/** For each variable: valid values and their results, and invalid values. */
const VARIABLES: Record<string, { good: Record<string, object>; bad: string[] }> = {
  NODE_ENV: {
    good: { development: { production: false }, test: { production: false } },
    bad: ['prod', 'Production', 'staging'],
  },
  HOST: {
    good: { '0.0.0.0': { host: '0.0.0.0' }, '::1': { host: '::1' }, localhost: { host: 'localhost' } },
    bad: ['http://0.0.0.0', '127.0.0.1:3000', '[::1]', 'this machine', '127.0.0.1,10.0.0.1'],
  },
  PORT: {
    good: { 0: { port: 0 }, 80: { port: 80 }, 65535: { port: 65_535 } },
    bad: ['-1', '65536', '80.5', 'http', 'true', 'NaN'],
  },
  DATABASE_URL: {
    good: {
      'postgres://u:p@h:5/d': { databaseUrl: 'postgres://u:p@h:5/d' },
      'postgresql://h/d': { databaseUrl: 'postgresql://h/d' },
      'postgres://u:%2F%23%40@h/d?sslmode=require': {
        databaseUrl: 'postgres://u:%2F%23%40@h/d?sslmode=require',
      },
    },
    bad: [
      'postgres://u:12#3@h/d',
      'postgres://u:12/3@h/d',
      'postgres://u:1@2@h/d',
      'postgres://u:12?3@h/d',
      'postgres://u:100%@h/d',
      'postgres://u:%zz@h/d',
      'mysql://h/d',
      'h:5432/d',
      ' postgres://h/d',
      'postgres:/h/d',
    ],
  },
  DB_POOL_MAX: {
    good: { 1: { poolMax: 1 }, 1000: { poolMax: 1000 } },
    bad: ['0', '1001', '-2', '1.5', 'many'],
  },
  DB_LIMITS: {
    good: { transaction: { dbLimits: 'transaction' }, role: { dbLimits: 'role' } },
    bad: ['none', 'Role', 'session'],
  },
  AUTH_PRIMER_DATA_DIR: {
    good: { '/var/lib/x': { dataDir: '/var/lib/x' }, here: { dataDir: resolve('here') } },
    bad: ['~/data', '~'],
  },
  AUTH_PRIMER_SITE_DIR: {
    good: { '/var/lib/guide': { siteDir: '/var/lib/guide' }, here: { siteDir: resolve('here') } },
    bad: ['~/guide'],
  },
  JWT_SECRET: {
    good: { [SECRET]: { jwtSecret: SECRET }, [`${SECRET}é`]: { jwtSecret: `${SECRET}é` } },
    bad: ['q', SECRET.slice(1), 'q'.repeat(40), 'abcd'.repeat(20), ...WELL_KNOWN],
  },
  ACCESS_TOKEN_TTL: {
    good: { '45s': { accessTokenTtl: '45s' }, '12h': { accessTokenTtl: '12h' } },
    bad: ['30', '0m', '-5m', '30 m', '30M', '1w', '1.5h', '99999999s'],
  },
  REFRESH_FAMILY_TTL: {
    good: { '30d': { refreshFamilyTtl: '30d' }, '12h': { refreshFamilyTtl: '12h' } },
    bad: ['90', '0d', '1y', 'never'],
  },
  REFRESH_TOKEN_TTL: {
    good: { '90d': { refreshTokenTtl: '90d' }, '1s': { refreshTokenTtl: '1s' } },
    bad: ['30', '0d', 'forever', '1y'],
  },
  BCRYPT_COST: {
    good: { 10: { bcryptCost: 10 }, 15: { bcryptCost: 15 } },
    bad: ['9', '16', '12.5', 'high'],
  },
  METRICS_PORT: {
    good: { 0: { metricsPort: 0 }, 9464: { metricsPort: 9464 } },
    bad: ['-1', '65536', '94.64', 'on', 'true'],
  },
  CORS_ORIGINS: {
    good: {
      '*': { corsOrigins: ['*'] },
      'https://a.example, http://localhost:5173': {
        corsOrigins: ['https://a.example', 'http://localhost:5173'],
      },
    },
    bad: [
      'a.example',
      'https://a.example/',
      'https://a.example/app',
      'https://A.example',
      'https://a.example:443',
      'https://*.example',
      'https://a.example, *',
      'https://a.example,',
      'ftp://a.example',
      'null',
    ],
  },
  TRUST_PROXY: {
    good: {
      1: { trustProxy: 1 },
      16: { trustProxy: 16 },
      loopback: { trustProxy: 'loopback' },
      '10.1.2.3, 10.2.0.0/16,2001:db8::/32': { trustProxy: '10.1.2.3, 10.2.0.0/16,2001:db8::/32' },
    },
    bad: [
      'true',
      '0',
      '17',
      '-1',
      '1.5',
      '*',
      'all',
      'proxy.example',
      '10.1.2.3,',
      '10.1.2',
      '0x7f.1',
      '0.0.0.0/0',
      '::/0',
      '10.0.0.0/33',
      '10.0.0.0/255.0.0.0',
      '10.0.0.0/8/8',
      'fe80::1%eth0',
    ],
  },
  THROTTLE_REQUESTS_PER_MINUTE: limit('requestsPerMinute'),
  THROTTLE_SIGN_UPS_PER_MINUTE: limit('signUpsPerMinute'),
  THROTTLE_FAILED_LOGINS_PER_ACCOUNT: limit('failedLoginsPerAccount'),
  THROTTLE_FAILED_LOGINS_PER_ADDRESS: limit('failedLoginsPerAddress'),
  XRAY: { good: { on: { xray: true }, off: { xray: false } }, bad: ['yes', 'ON', 'true', '1'] },
  LOG_LEVEL: {
    good: { debug: { minLevel: 'debug' }, silent: { minLevel: 'silent' } },
    bad: ['verbose', 'INFO', '30'],
  },
}

function limit(name: string): (typeof VARIABLES)[string] {
  return {
    good: { 0: { throttles: { [name]: 0 } }, 5: { throttles: { [name]: 5 } } },
    bad: ['-1', '1.5', '1000001', 'none'],
  }
}

for (const [name, { good, bad }] of Object.entries(VARIABLES)) {
  t.test(`${name} accepts valid values`, async (t) => {
    for (const [value, expected] of Object.entries(good))
      t.match(readConfig({ [name]: value }), expected, value)
  })
  for (const value of bad) {
    t.test(`${name} rejects ${JSON.stringify(value)}, and no other variable is named`, async (t) => {
      const message = readInvalid({ [name]: value })
      t.same(namedIn(message), [name])
    })
  }
}

t.test('one message names every invalid variable once, and no valid one', async (t) => {
  const message = readInvalid({
    PORT: 'x',
    BCRYPT_COST: '99',
    LOG_LEVEL: 'loud',
    HOST: '::1',
    DB_POOL_MAX: '5',
  })
  t.same(namedIn(message).sort(), ['BCRYPT_COST', 'LOG_LEVEL', 'PORT'])
  t.match(message, /PORT must be a port from 0 to 65535/)
})

t.test('the message contains no value of a variable, valid or invalid', async (t) => {
  const wrong = {
    DATABASE_URL: 'mysql://someone:hunter2@zanzibar/d',
    JWT_SECRET: 'tooshortasecret',
    PORT: '777777',
    LOG_LEVEL: 'shouting',
    METRICS_PORT: '123456',
    ACCESS_TOKEN_TTL: 'fortnight',
    BCRYPT_COST: '4242',
    DB_POOL_MAX: '98765',
    NODE_ENV: 'laboratory',
    CORS_ORIGINS: 'https://intranet.example/secrets',
    TRUST_PROXY: 'balancer.internal',
    THROTTLE_SIGN_UPS_PER_MINUTE: '31415926',
  }
  const right = { HOST: '192.0.2.77', AUTH_PRIMER_DATA_DIR: '/secret/place', AWS_KEY: 'AKIAWHATEVER' }
  const message = readInvalid({ ...wrong, ...right })
  t.same(namedIn(message).sort(), Object.keys(wrong).sort())
  for (const value of [
    ...Object.values(wrong),
    ...Object.values(right),
    'hunter2',
    'opensesame',
    'swordfish',
  ]) {
    t.notOk(message.includes(value), value)
  }
})

t.test('an empty variable counts as unset', async (t) => {
  const empty = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, '']))
  t.same(readConfig(empty), readConfig({}))
  t.same(namedIn(readInvalid({ ...PRODUCTION, JWT_SECRET: '' })), ['JWT_SECRET'])
})

t.test('production requires a database and a secret, and the message names the missing ones', async (t) => {
  t.match(readConfig(PRODUCTION), { production: true, databaseUrl: 'postgres://h/d', jwtSecret: SECRET })
  const { DATABASE_URL, JWT_SECRET, NODE_ENV } = PRODUCTION
  t.same(namedIn(readInvalid({ NODE_ENV })), ['DATABASE_URL', 'JWT_SECRET'])
  t.same(namedIn(readInvalid({ NODE_ENV, DATABASE_URL })), ['JWT_SECRET'])
  t.same(namedIn(readInvalid({ NODE_ENV, JWT_SECRET })), ['DATABASE_URL'])
  t.match(
    readInvalid({ NODE_ENV, DATABASE_URL }),
    /JWT_SECRET is required in production: .*at least 32 bytes/,
  )
  t.notMatch(readInvalid({ NODE_ENV, JWT_SECRET }), JWT_SECRET)
  t.same(namedIn(readInvalid({ ...PRODUCTION, JWT_SECRET: SECRET.slice(1) })), ['JWT_SECRET'])
  t.same(
    namedIn(readInvalid({ NODE_ENV, PORT: 'x' })),
    ['PORT', 'DATABASE_URL', 'JWT_SECRET'],
    'together with invalid variables',
  )
  for (const secret of WELL_KNOWN)
    t.same(namedIn(readInvalid({ ...PRODUCTION, JWT_SECRET: secret })), ['JWT_SECRET'])
})

t.test('outside production, neither a database nor a secret is required', async (t) => {
  for (const NODE_ENV of [undefined, 'development', 'test']) {
    t.match(readConfig(NODE_ENV === undefined ? {} : { NODE_ENV }), { production: false })
  }
})

function readInvalid(variables: NodeJS.ProcessEnv): string {
  try {
    readConfig(variables)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('The configuration was accepted.')
}

/** Returns the variables that the lines of a message start with. */
function namedIn(message: string): string[] {
  return [...message.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name as string)
}
