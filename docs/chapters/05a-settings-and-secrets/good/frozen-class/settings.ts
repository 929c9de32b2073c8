import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

const Level = Type.Union(
  ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((name) => Type.Literal(name)),
)
const Port = Type.Integer({ minimum: 0, maximum: 65_535 })

/** A class that hides the secret when the settings are logged. */
export class Settings {
  readonly databaseUrl: string
  readonly jwtSecret: string
  readonly port: number
  readonly logLevel: string

  constructor({ DATABASE_URL = '', JWT_SECRET = '', PORT = '3000', LOG_LEVEL = 'info' }: NodeJS.ProcessEnv) {
    this.databaseUrl = DATABASE_URL
    this.jwtSecret = JWT_SECRET
    this.port = Number(PORT)
    this.logLevel = LOG_LEVEL
    const wrong = [
      !/^postgres(ql)?:/.test(DATABASE_URL) && 'DATABASE_URL',
      JWT_SECRET.length < 32 && 'JWT_SECRET',
      !Value.Check(Port, this.port) && 'PORT',
      !Value.Check(Level, LOG_LEVEL) && 'LOG_LEVEL',
    ].filter(Boolean)
    if (wrong.length > 0) throw new Error(`Wrong settings: ${wrong}`)
  }

  toJSON() {
    return { port: this.port, logLevel: this.logLevel }
  }
}

export const readSettings = (env: NodeJS.ProcessEnv): Settings => new Settings(env)
