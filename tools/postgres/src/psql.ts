import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { EmbeddedPostgresError } from './errors.ts'
import { platform } from './platform/index.ts'

/** Returns true if `psql` is in one of the folders of PATH. */
export function hasPsql(env = process.env): boolean {
  const names = platform.listProgramFiles('psql', env)
  return (env.PATH ?? '')
    .split(path.delimiter)
    .some((dir) => names.some((name) => existsSync(path.join(dir, name))))
}

/**
 * Returns the arguments and the environment with which psql connects to this database. The password is in the
 * environment, because other users of the machine can read arguments.
 */
export function connectPsql(
  databaseUrl: string,
  env: NodeJS.ProcessEnv,
): { args: string[]; env: NodeJS.ProcessEnv } {
  if (!URL.canParse(databaseUrl))
    throw new EmbeddedPostgresError('DATABASE_URL is not the URL of a Postgres database.')
  const url = new URL(databaseUrl)
  const password = decodeURIComponent(url.password)
  url.password = ''
  return { args: [`--dbname=${url.href}`], env: { ...env, ...(password && { PGPASSWORD: password }) } }
}

/** Returns the statement of `-c`, for a machine without psql. */
export function readStatement(args: readonly string[]): string {
  try {
    const { values } = parseArgs({ args: [...args], options: { command: { type: 'string', short: 'c' } } })
    if (values.command) return values.command
  } catch {
    // Other options need psql itself.
  }
  throw new EmbeddedPostgresError(NO_PSQL)
}

const NO_PSQL = `psql is not installed. To run one statement without it:
  npm run db:psql -- -c "SELECT * FROM users"
To install it:
  Debian, Ubuntu  sudo apt-get install postgresql-client
  macOS           brew install libpq && brew link --force libpq
  Windows         winget install PostgreSQL.PostgreSQL, then add its bin folder to PATH`
