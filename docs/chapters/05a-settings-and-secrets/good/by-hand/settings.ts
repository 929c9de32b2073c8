export interface Settings {
  readonly databaseUrl: string
  readonly jwtSecret: string
  readonly port: number
  readonly logLevel: string
}

/** With an `if` for each variable. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const { DATABASE_URL = '', JWT_SECRET = '', PORT = '3000', LOG_LEVEL = 'info' } = env
  const mistakes: string[] = []
  if (!/^postgres(ql)?:\/\/.+/.test(DATABASE_URL)) mistakes.push('DATABASE_URL must begin with postgres://')
  if (JWT_SECRET.length < 32) mistakes.push('JWT_SECRET must have at least 32 characters')
  const port = Number(PORT)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    mistakes.push('PORT must be a number from 0 to 65535')
  if (!['fatal', 'error', 'warn', 'info', 'debug', 'trace'].includes(LOG_LEVEL))
    mistakes.push('LOG_LEVEL must be a level of the logger')
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'))
  return { databaseUrl: DATABASE_URL, jwtSecret: JWT_SECRET, port, logLevel: LOG_LEVEL }
}
