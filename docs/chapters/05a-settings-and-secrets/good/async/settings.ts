export interface Settings {
  readonly databaseUrl: string
  readonly jwtSecret: string
  readonly port: number
  readonly logLevel: string
}

/** With a promise, because a real service may fetch its secret from a secret manager. */
export async function readSettings(env: NodeJS.ProcessEnv): Promise<Settings> {
  const port = Number.parseInt(env.PORT ?? '3000', 10)
  const level = env.LOG_LEVEL ?? 'info'
  const isValid = {
    DATABASE_URL: URL.canParse(env.DATABASE_URL ?? '') && (env.DATABASE_URL ?? '').startsWith('postgres'),
    JWT_SECRET: Buffer.byteLength(env.JWT_SECRET ?? '') >= 32,
    PORT: port >= 0 && port <= 65_535,
    LOG_LEVEL: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].includes(level),
  }
  const invalid = Object.entries(isValid).flatMap(([name, valid]) => (valid ? [] : [name]))
  if (invalid.length > 0) throw new AggregateError([], `Invalid environment: ${invalid.join(', ')}`)
  return {
    databaseUrl: env.DATABASE_URL as string,
    jwtSecret: env.JWT_SECRET as string,
    port,
    logLevel: level,
  }
}
