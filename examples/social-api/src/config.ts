import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { keyring } from '@auth-primer/jwt-kit'
import { defaultDataDir } from '@auth-primer/tool-postgres'
import { type Static, Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'

const Text = (format: string, description: string) => Type.Optional(Type.String({ format, description }))

const Integer = (minimum: number, maximum: number, fallback: number, description: string) =>
  Type.Integer({
    minimum,
    maximum,
    default: fallback,
    description: `${description}, from ${minimum} to ${maximum}`,
  })

const Limit = (fallback: number, description: string) =>
  Integer(0, 1_000_000, fallback, `the most ${description} (0: no limit)`)

const Choice = (names: string[], fallback: string, remark = '') =>
  Type.Union(
    names.map((name) => Type.Literal(name)),
    { default: fallback, description: `${names.slice(0, -1).join(', ')} or ${names.at(-1)}${remark}` },
  )

const Duration = (fallback: string) =>
  Type.String({
    pattern: '^[1-9][0-9]{0,6}[smhd]$',
    default: fallback,
    description: 'a duration with its unit, such as 30m, 12h or 30d',
  })

// Only a shell expands `~`; in an .env file it would be the name of the folder.
const Folder = (fallback: string, description: string) =>
  Type.String({
    pattern: '^[^~]',
    default: fallback,
    description: `${description}, not beginning with \`~\``,
  })

/** The variables: the values that each may have, its default, and its description in an error. */
const Environment = Type.Object({
  NODE_ENV: Choice(['development', 'test', 'production'], 'development'),
  HOST: Type.String({
    format: 'host',
    default: '127.0.0.1',
    description: 'an IP address or a name of this machine, without a port',
  }),
  PORT: Integer(0, 65_535, 3000, 'a port (0: any free one)'),
  DATABASE_URL: Text(
    'postgres-url',
    'a postgres:// URL, with `/`, `#`, `?`, `@` and `%` in its password percent-encoded',
  ),
  DB_POOL_MAX: Integer(1, 1000, 10, 'the most connections of this process to the database'),
  AUTH_PRIMER_DATA_DIR: Folder(
    defaultDataDir({}),
    'a folder for the embedded Postgres and the generated secret',
  ),
  AUTH_PRIMER_SITE_DIR: Folder(
    resolve(defaultDataDir({}), '../site'),
    'the folder in which `npm run docs` puts the guide',
  ),
  JWT_SECRET: Text(
    'secret',
    'a random secret of at least 32 bytes, not a well-known one (`openssl rand -base64 48` makes one)',
  ),
  ACCESS_TOKEN_TTL: Duration('30m'),
  REFRESH_TOKEN_TTL: Duration('30d'),
  REFRESH_FAMILY_TTL: Duration('90d'),
  BCRYPT_COST: Integer(10, 15, 12, 'a bcrypt cost'),
  METRICS_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description: 'the port of Prometheus metrics, from 0 to 65535 (0: any free one)',
    }),
  ),
  CORS_ORIGINS: Text(
    'origins',
    'origins such as https://app.example.com, comma-separated and without a path, or only *',
  ),
  TRUST_PROXY: Text(
    'trust-proxy',
    'the number of proxies in front (1 to 16), or their addresses: IP addresses, ranges such as 10.1.0.0/16, or ' +
      'loopback, comma-separated (not true: then anyone could claim any address)',
  ),
  THROTTLE_REQUESTS_PER_MINUTE: Limit(1_200, 'requests of one address in a minute'),
  THROTTLE_SIGN_UPS_PER_MINUTE: Limit(240, 'sign-ups of one address in a minute'),
  THROTTLE_FAILED_LOGINS_PER_ACCOUNT: Limit(20, 'failed logins of one account in a day without a wait'),
  THROTTLE_FAILED_LOGINS_PER_ADDRESS: Limit(100, 'failed logins of one address in an hour without a wait'),
  XRAY: Choice(['on', 'off'], 'on', ' (always off in production, and if TRUST_PROXY is set)'),
  LOG_LEVEL: Choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
})

export type Config = ReturnType<typeof readConfig>

/** Lists every invalid variable by name, never by value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads the configuration from environment variables.
 *
 * @throws {ConfigError} with the name of each invalid variable, and what it should be.
 */
export function readConfig(variables: NodeJS.ProcessEnv) {
  const env = validate(variables)
  const production = env.NODE_ENV === 'production'
  return Object.freeze({
    production,
    host: env.HOST,
    port: env.PORT,
    /** Undefined: the embedded Postgres. */
    databaseUrl: env.DATABASE_URL,
    poolMax: env.DB_POOL_MAX,
    dataDir: resolve(env.AUTH_PRIMER_DATA_DIR),
    siteDir: resolve(env.AUTH_PRIMER_SITE_DIR),
    /** Undefined: one is generated, and kept in `dataDir`. */
    jwtSecret: env.JWT_SECRET,
    accessTokenTtl: env.ACCESS_TOKEN_TTL,
    refreshTokenTtl: env.REFRESH_TOKEN_TTL,
    refreshFamilyTtl: env.REFRESH_FAMILY_TTL,
    bcryptCost: env.BCRYPT_COST,
    metricsPort: env.METRICS_PORT,
    corsOrigins: splitList(env.CORS_ORIGINS),
    trustProxy: env.TRUST_PROXY === undefined ? undefined : parseTrustProxy(env.TRUST_PROXY),
    throttles: Object.freeze({
      requestsPerMinute: env.THROTTLE_REQUESTS_PER_MINUTE,
      signUpsPerMinute: env.THROTTLE_SIGN_UPS_PER_MINUTE,
      failedLoginsPerAccount: env.THROTTLE_FAILED_LOGINS_PER_ACCOUNT,
      failedLoginsPerAddress: env.THROTTLE_FAILED_LOGINS_PER_ADDRESS,
    }),
    // Behind a proxy every client has the proxy's address, so no request could be recognized as local.
    xray: env.XRAY === 'on' && !production && env.TRUST_PROXY === undefined,
    logLevel: env.LOG_LEVEL,
  })
}

// The environment has only strings: this is the one place where numbers are read from them.
const isEnvironment = new Ajv({
  allErrors: true,
  coerceTypes: true,
  useDefaults: true,
  removeAdditional: 'all',
  formats: {
    host: (text: string) => isIP(text) > 0 || /^[\p{L}\p{N}.-]+$/u.test(text),
    'postgres-url': isPostgresUrl,
    secret: isStrongSecret,
    origins: (text: string) => text.trim() === '*' || splitList(text).every(isOrigin),
    'trust-proxy': (text: string) => parseTrustProxy(text) !== undefined,
  },
}).compile<Static<typeof Environment>>(Environment)

function validate(variables: NodeJS.ProcessEnv): Static<typeof Environment> {
  // `PORT=` in a shell or an .env file is the same as no `PORT`.
  const data = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const required = data.NODE_ENV === 'production' ? ['DATABASE_URL', 'JWT_SECRET'] : []
  const missing = required
    .filter((name) => data[name] === undefined)
    .map((name) => `${name} is required in production: ${describe(name)}`)
  if (isEnvironment(data) && missing.length === 0) return data
  const invalid = new Set(isEnvironment.errors?.map(({ instancePath }) => instancePath.slice(1)))
  const lines = [...missing, ...[...invalid].map((name) => `${name} must be ${describe(name)}`)]
  throw new ConfigError(
    `The configuration is invalid (environment, or .env):\n${lines.map((line) => `  ${line}`).join('\n')}`,
  )
}

/** These characters separate the parts of the URL; an unescaped one would shift part of the password into the host. */
function isPostgresUrl(text: string): boolean {
  const parts = /^postgres(ql)?:\/\/([^/?#@]*@)?[^/?#@]*(\/[^/?#@]*)?(\?[^#@]*)?$/
  return parts.test(text) && URL.canParse(text) && succeeds(() => decodeURIComponent(text))
}

/** jwt-kit rejects secrets that are short, well known, or a repeated pattern. */
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

function splitList(text = ''): string[] {
  return text === '' ? [] : text.split(',').map((one) => one.trim())
}

/** As a browser sends it: without a path, a final slash or a default port, in lower case. */
function isOrigin(text: string): boolean {
  return /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

function describe(name: string): string {
  return Environment.properties[name as keyof typeof Environment.properties].description ?? name
}

/** Reads TRUST_PROXY; undefined if it is invalid. There is deliberately no way to trust every proxy. */
function parseTrustProxy(text: string): number | string | undefined {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 16 ? Number(text) : undefined
  return text.split(',').every((one) => one.trim() === 'loopback' || isAddressOrRange(one.trim()))
    ? text
    : undefined
}

function isAddressOrRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || rest.length > 0) return false
  if (bits === undefined) return true
  return /^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (family === 4 ? 32 : 128)
}
