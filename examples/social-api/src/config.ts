import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { keyring } from '@auth-primer/jwt-kit'
import { type Static, Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import type { Throttles } from './plugins/throttle.ts'
import { parseTrustProxy, type TrustProxy } from './trust-proxy.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../..')

const Duration = (fallback: string) =>
  Type.String({
    pattern: '^[1-9][0-9]{0,6}[smhd]$',
    default: fallback,
    description: 'a duration with its unit, such as 30m, 12h or 30d',
  })

const Limit = (fallback: number, what: string) =>
  Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: fallback,
    description: `the most ${what}, from 1 to 1000000 (0: no limit)`,
  })

/** The environment's variables: what each may be, its default, and the words an error describes it with. */
const Environment = Type.Object({
  NODE_ENV: Type.Union(
    ['development', 'test', 'production'].map((name) => Type.Literal(name)),
    { default: 'development', description: 'development, test or production' },
  ),
  HOST: Type.String({
    format: 'host',
    default: '127.0.0.1',
    description: 'an IP address or a name of this machine, without a port',
  }),
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 3000,
    description: 'a port from 0 to 65535 (0: any free one)',
  }),
  DATABASE_URL: Type.Optional(
    Type.String({
      format: 'postgres-url',
      description: 'a postgres:// URL, with `/`, `#`, `?`, `@` and `%` in its password percent-encoded',
    }),
  ),
  DB_POOL_MAX: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 10,
    description: 'the most connections of this process, from 1 to 1000',
  }),
  DB_LIMITS: Type.Union([Type.Literal('transaction'), Type.Literal('role')], {
    default: 'transaction',
    description: 'transaction or role',
  }),
  AUTH_PRIMER_DATA_DIR: Type.String({
    // A shell reads `~`; an .env file does not, and the folder would be called so.
    pattern: '^[^~]',
    default: resolve(CHECKOUT, '.data'),
    description: 'a folder for the embedded Postgres and the generated secret, not beginning with `~`',
  }),
  AUTH_PRIMER_SITE_DIR: Type.String({
    pattern: '^[^~]',
    default: resolve(CHECKOUT, 'site'),
    description: 'a folder for the guide as `npm run docs` builds it, not beginning with `~`',
  }),
  JWT_SECRET: Type.Optional(
    Type.String({
      format: 'secret',
      description:
        'a random secret of at least 32 bytes, and no well-known one (`openssl rand -base64 48` makes one)',
    }),
  ),
  ACCESS_TOKEN_TTL: Duration('30m'),
  REFRESH_TOKEN_TTL: Duration('30d'),
  REFRESH_FAMILY_TTL: Duration('90d'),
  BCRYPT_COST: Type.Integer({
    minimum: 10,
    maximum: 15,
    default: 12,
    description: 'a bcrypt cost from 10 to 15',
  }),
  METRICS_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description: 'the port of Prometheus metrics, from 0 to 65535 (0: any free one)',
    }),
  ),
  CORS_ORIGINS: Type.Optional(
    Type.String({
      format: 'origins',
      description: 'origins such as https://app.example.com, comma-separated and without a path, or * alone',
    }),
  ),
  TRUST_PROXY: Type.Optional(
    Type.String({
      format: 'trust-proxy',
      description:
        'the number of proxies in front (1 to 16), or their addresses: IP addresses, ranges such as 10.1.0.0/16, or ' +
        'loopback, comma-separated (not true: then anybody could claim any address)',
    }),
  ),
  THROTTLE_REQUESTS_PER_MINUTE: Limit(1_200, 'requests of one address in a minute'),
  THROTTLE_SIGN_UPS_PER_MINUTE: Limit(240, 'sign-ups of one address in a minute'),
  THROTTLE_FAILED_LOGINS_PER_ACCOUNT: Limit(20, 'failed log-ins of one account in a day without a wait'),
  THROTTLE_FAILED_LOGINS_PER_ADDRESS: Limit(100, 'failed log-ins of one address in an hour without a wait'),
  XRAY: Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: 'on',
    description: 'on or off (off in production, and where TRUST_PROXY is set, whatever it says)',
  }),
  LOG_LEVEL: Type.Union(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => Type.Literal(level)),
    { default: 'info', description: 'fatal, error, warn, info, debug, trace or silent' },
  ),
})

export interface Config {
  readonly production: boolean
  readonly host: string
  readonly port: number
  /** Unset: the embedded Postgres. */
  readonly databaseUrl: string | undefined
  readonly poolMax: number
  /** `role`: the timeouts of statements are those of the database's role, and transactions set none. */
  readonly limits: 'transaction' | 'role'
  readonly dataDir: string
  /** Where the guide is that `npm run docs` builds. */
  readonly siteDir: string
  /** Unset: one is made and kept in `dataDir`. */
  readonly jwtSecret: string | undefined
  readonly accessTokenTtl: string
  readonly refreshTokenTtl: string
  readonly refreshFamilyTtl: string
  readonly bcryptCost: number
  /** Unset: there are none. */
  readonly metricsPort: number | undefined
  readonly corsOrigins: readonly string[]
  /** Unset: no proxy is believed. */
  readonly trustProxy: TrustProxy | undefined
  readonly throttles: Throttles
  /** Whether X-ray is there. */
  readonly xray: boolean
  readonly logLevel: string
}

/** Names every variable that is wrong, and the value of none. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads the configuration from environment variables.
 *
 * @throws ConfigError naming each variable that is wrong, and what it should be.
 */
export function readConfig(variables: NodeJS.ProcessEnv): Config {
  const env = validate(variables)
  const production = env.NODE_ENV === 'production'
  return Object.freeze({
    production,
    host: env.HOST,
    port: env.PORT,
    databaseUrl: env.DATABASE_URL,
    poolMax: env.DB_POOL_MAX,
    limits: env.DB_LIMITS,
    dataDir: resolve(env.AUTH_PRIMER_DATA_DIR),
    siteDir: resolve(env.AUTH_PRIMER_SITE_DIR),
    jwtSecret: env.JWT_SECRET,
    accessTokenTtl: env.ACCESS_TOKEN_TTL,
    refreshTokenTtl: env.REFRESH_TOKEN_TTL,
    refreshFamilyTtl: env.REFRESH_FAMILY_TTL,
    bcryptCost: env.BCRYPT_COST,
    metricsPort: env.METRICS_PORT,
    corsOrigins: listOf(env.CORS_ORIGINS),
    trustProxy: env.TRUST_PROXY === undefined ? undefined : parseTrustProxy(env.TRUST_PROXY),
    throttles: Object.freeze({
      requestsPerMinute: env.THROTTLE_REQUESTS_PER_MINUTE,
      signUpsPerMinute: env.THROTTLE_SIGN_UPS_PER_MINUTE,
      failedLoginsPerAccount: env.THROTTLE_FAILED_LOGINS_PER_ACCOUNT,
      failedLoginsPerAddress: env.THROTTLE_FAILED_LOGINS_PER_ADDRESS,
    }),
    // Behind a proxy every client's address is the proxy's: nobody's request could be told to be local.
    xray: env.XRAY === 'on' && !production && env.TRUST_PROXY === undefined,
    logLevel: env.LOG_LEVEL,
  })
}

// What the environment gives are strings: here, and here alone, they are turned into numbers.
const isEnvironment = new Ajv({
  allErrors: true,
  coerceTypes: true,
  useDefaults: true,
  removeAdditional: 'all',
  formats: {
    host: (text: string) => isIP(text) > 0 || /^[\p{L}\p{N}.-]+$/u.test(text),
    'postgres-url': isPostgresUrl,
    secret: isStrongSecret,
    origins: (text: string) => text.trim() === '*' || listOf(text).every(isOrigin),
    'trust-proxy': (text: string) => parseTrustProxy(text) !== undefined,
  },
}).compile<Static<typeof Environment>>(Environment)

function validate(variables: NodeJS.ProcessEnv): Static<typeof Environment> {
  // `PORT=` in a shell or an .env file means that nothing was set.
  const data = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const required = data.NODE_ENV === 'production' ? ['DATABASE_URL', 'JWT_SECRET'] : []
  const missing = required
    .filter((name) => data[name] === undefined)
    .map((name) => `${name} is required in production: ${describe(name)}`)
  if (isEnvironment(data) && missing.length === 0) return data
  const wrong = new Set(isEnvironment.errors?.map(({ instancePath }) => instancePath.slice(1)))
  const lines = [...missing, ...[...wrong].map((name) => `${name} must be ${describe(name)}`)]
  throw new ConfigError(
    `The configuration is wrong (environment, or .env):\n${lines.map((line) => `  ${line}`).join('\n')}`,
  )
}

/** What stands where is told by these characters: one more of them, and a part of the password is taken for the host. */
function isPostgresUrl(text: string): boolean {
  const parts = /^postgres(ql)?:\/\/([^/?#@]*@)?[^/?#@]*(\/[^/?#@]*)?(\?[^#@]*)?$/
  return parts.test(text) && URL.canParse(text) && succeeds(() => decodeURIComponent(text))
}

/** jwt-kit refuses what is short, well known, or a mere pattern. */
function isStrongSecret(text: string): boolean {
  return succeeds(() => keyring('HS256', [{ kid: '1', key: text }]))
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}

function listOf(text = ''): string[] {
  return text === '' ? [] : text.split(',').map((one) => one.trim())
}

/** As a browser sends it: no path, no final slash, no default port, small letters. */
function isOrigin(text: string): boolean {
  return /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

function describe(name: string): string {
  return Environment.properties[name as keyof typeof Environment.properties].description ?? name
}
