export interface Settings {
  readonly databaseUrl: string
  readonly jwtSecret: string
  readonly port: number
  readonly logLevel: string
}

/** Returns the value, or undefined if the text is invalid. */
type Parser = (text: string | undefined) => string | number | undefined

const matching =
  (pattern: RegExp, fallback?: string): Parser =>
  (text = fallback ?? '') =>
    pattern.test(text) ? text : undefined

const PARSERS: Record<string, Parser> = {
  DATABASE_URL: matching(/^postgres(ql)?:\/\/./),
  JWT_SECRET: matching(/^.{32,}$/s),
  PORT: (text = '3000') => (/^\d+$/.test(text) && Number(text) < 65_536 ? Number(text) : undefined),
  LOG_LEVEL: matching(/^(fatal|error|warn|info|debug|trace)$/, 'info'),
}

/** With a table of functions, one per variable. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const values = Object.entries(PARSERS).map(([name, parse]) => [name, parse(env[name])] as const)
  const wrong = values.filter(([, value]) => value === undefined).map(([name]) => name)
  if (wrong.length > 0) throw new TypeError(`Please set ${wrong.join(' and ')}. See the README.`)
  const { DATABASE_URL, JWT_SECRET, PORT, LOG_LEVEL } = Object.fromEntries(values)
  return Object.freeze({
    databaseUrl: String(DATABASE_URL),
    jwtSecret: String(JWT_SECRET),
    port: Number(PORT),
    logLevel: String(LOG_LEVEL),
  })
}
