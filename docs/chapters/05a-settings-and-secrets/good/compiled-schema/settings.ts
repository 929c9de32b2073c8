import { Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'

export interface Settings {
  readonly databaseUrl: string
  readonly jwtSecret: string
  readonly port: number
  readonly logLevel: string
}

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

const schema = TypeCompiler.Compile(
  Type.Object({
    databaseUrl: Type.String({ pattern: '^postgres(ql)?://.' }),
    jwtSecret: Type.String({ minLength: 32 }),
    port: Type.Integer({ minimum: 0, maximum: 65_535 }),
    logLevel: Type.Union(LEVELS.map((level) => Type.Literal(level))),
  }),
)

const NAMES: Record<string, string> = {
  '/databaseUrl': 'DATABASE_URL',
  '/jwtSecret': 'JWT_SECRET',
  '/port': 'PORT',
  '/logLevel': 'LOG_LEVEL',
}

/** With a schema of the settings instead of the variables, compiled once. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const settings = {
    databaseUrl: env.DATABASE_URL,
    jwtSecret: env.JWT_SECRET,
    port: Number(env.PORT ?? 3000),
    logLevel: env.LOG_LEVEL ?? 'info',
  }
  if (schema.Check(settings)) return settings
  throw new Error(
    [...schema.Errors(settings)].map(({ path, message }) => `${NAMES[path]}: ${message}`).join('; '),
  )
}
