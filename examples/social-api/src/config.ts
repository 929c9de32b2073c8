import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { keyring } from '@auth-primer/jwt-kit'
import { defaultDataDir } from '@auth-primer/tool-postgres'
import { isPercentEncoded } from '../platform/http.ts'
import { isAddressOrRange } from '../platform/rate-limit.ts'

/** A kind of value that a variable can have. `parse` returns undefined if the text is invalid. */
interface Kind<T> {
  readonly expected: string
  parse(text: string): T | undefined
}

const kind = <T>(expected: string, parse: Kind<T>['parse']): Kind<T> => ({ expected, parse })

const text = (expected: string, isValid: (text: string) => boolean) =>
  kind(expected, (text) => (isValid(text) ? text : undefined))

const matching = (expected: string, pattern: RegExp) => text(expected, (text) => pattern.test(text))

const choice = <T extends string>(...names: T[]) =>
  kind(`one of ${names.join(', ')}`, (text) => names.find((name) => name === text))

const integer = (min: number, max: number, expected: string) =>
  kind(expected, (text) => {
    const isValid = /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max
    return isValid ? Number(text) : undefined
  })

const PORT = integer(0, 65_535, 'a port from 0 to 65535 (0: any free one)')
const LIMIT = integer(0, 1_000_000, 'a number from 1 to 1000000 (0: no limit)')
const DURATION = matching('a duration with its unit, such as 30m, 12h or 30d', /^[1-9][0-9]{0,6}[smhd]$/)
// Only a shell expands `~`; in an .env file it would be the name of the folder.
const FOLDER = matching('a folder, not beginning with `~`', /^[^~]/)
const HOST = text(
  'an IP address or a name of this machine, without a port',
  (text) => isIP(text) > 0 || /^[\p{L}\p{N}.-]+$/u.test(text),
)

// These characters separate the parts of the URL; an unescaped one would shift part of the password into the host.
const URL_PARTS = /^postgres(ql)?:\/\/([^/?#@]*@)?[^/?#@]*(\/[^/?#@]*)?(\?[^#@]*)?$/
const POSTGRES_URL = text(
  'a postgres:// URL, with `/`, `#`, `?`, `@` and `%` in its password percent-encoded',
  (text) => URL_PARTS.test(text) && URL.canParse(text) && isPercentEncoded(text),
)

const SECRET = text(
  'a random secret of at least 32 bytes, not a well-known one (`openssl rand -base64 48` makes one)',
  isGoodSecret,
)

const ORIGINS = kind(
  'origins such as https://app.example.com, comma-separated and without a path, or only *',
  (text) => {
    const origins = text.split(',').map((one) => one.trim())
    return text.trim() === '*' || origins.every(isOrigin) ? origins : undefined
  },
)

// There is deliberately no way to trust every proxy.
const PROXIES = kind<number | string>(
  'the number of proxies in front (1 to 16), or their addresses: IP addresses, ranges such as 10.1.0.0/16, or ' +
    'loopback, comma-separated (not true: then anyone could claim any address)',
  (text) => {
    if (/^\d+$/.test(text)) return integer(1, 16, 'proxies').parse(text)
    const proxies = text.split(',').map((one) => one.trim())
    return proxies.every((one) => one === 'loopback' || isAddressOrRange(one)) ? text : undefined
  },
)

/** Returns true for an origin as browsers send it: in lower case, without a path, a final slash or a default port. */
function isOrigin(text: string): boolean {
  return /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

// jwt-kit rejects secrets that are short, well known, or a repeated pattern.
function isGoodSecret(text: string): boolean {
  try {
    keyring('HS256', [{ kid: '1', key: text }])
    return true
  } catch {
    return false
  }
}

export type Config = ReturnType<typeof readConfig>

/** Lists every invalid variable by name, never by value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Reads the configuration from environment variables, which the README lists. Throws a `ConfigError`. */
export function readConfig(variables: NodeJS.ProcessEnv) {
  const mistakes: string[] = []

  function read<T, F>(name: string, { expected, parse }: Kind<T>, fallback: F): T | F {
    // `PORT=` in a shell or an .env file is the same as no `PORT`.
    const text = variables[name] || undefined
    if (text === undefined) return fallback
    const value = parse(text)
    if (value === undefined) mistakes.push(`${name} must be ${expected}`)
    return value ?? fallback
  }

  function readRequired(name: string, kind: Kind<string>): string | undefined {
    if (production && !variables[name]) mistakes.push(`${name} is required in production: ${kind.expected}`)
    return read(name, kind, undefined)
  }

  const production = read('NODE_ENV', choice('development', 'test', 'production'), '') === 'production'
  const trustProxy = read('TRUST_PROXY', PROXIES, undefined)
  const xray = read('XRAY', choice('on', 'off'), 'on')
  const config = {
    production,
    host: read('HOST', HOST, '127.0.0.1'),
    port: read('PORT', PORT, 3000),
    /** Undefined: the embedded Postgres. */
    databaseUrl: readRequired('DATABASE_URL', POSTGRES_URL),
    poolMax: read('DB_POOL_MAX', integer(1, 1000, 'a number of connections from 1 to 1000'), 10),
    dbLimits: read('DB_LIMITS', choice('transaction', 'role'), 'transaction'),
    dataDir: resolve(read('AUTH_PRIMER_DATA_DIR', FOLDER, defaultDataDir({}))),
    siteDir: resolve(read('AUTH_PRIMER_SITE_DIR', FOLDER, resolve(defaultDataDir({}), '../site'))),
    /** Undefined: one is generated, and kept in `dataDir`. */
    jwtSecret: readRequired('JWT_SECRET', SECRET),
    accessTokenTtl: read('ACCESS_TOKEN_TTL', DURATION, '30m'),
    refreshTokenTtl: read('REFRESH_TOKEN_TTL', DURATION, '30d'),
    refreshFamilyTtl: read('REFRESH_FAMILY_TTL', DURATION, '90d'),
    bcryptCost: read('BCRYPT_COST', integer(10, 15, 'a bcrypt cost from 10 to 15'), 12),
    /** Undefined: metrics are not served. */
    metricsPort: read('METRICS_PORT', PORT, undefined),
    corsOrigins: read('CORS_ORIGINS', ORIGINS, []),
    trustProxy,
    throttles: Object.freeze({
      requestsPerMinute: read('THROTTLE_REQUESTS_PER_MINUTE', LIMIT, 1_200),
      signUpsPerMinute: read('THROTTLE_SIGN_UPS_PER_MINUTE', LIMIT, 240),
      failedLoginsPerAccount: read('THROTTLE_FAILED_LOGINS_PER_ACCOUNT', LIMIT, 20),
      failedLoginsPerAddress: read('THROTTLE_FAILED_LOGINS_PER_ADDRESS', LIMIT, 100),
    }),
    // Behind a proxy every client has the proxy's address, so no request could be recognized as local.
    xray: xray === 'on' && !production && trustProxy === undefined,
    /** Not named `logLevel`: a plugin that gets the config as its options would keep its routes at that level. */
    minLevel: read('LOG_LEVEL', choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'), 'info'),
  }
  if (mistakes.length === 0) return Object.freeze(config)
  throw new ConfigError(`The configuration is invalid (environment, or .env):\n  ${mistakes.join('\n  ')}`)
}
