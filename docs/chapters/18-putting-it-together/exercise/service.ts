import { buildApp, readSettings } from '../parts/index.ts'

/** Builds the service from environment variables, and rejects if they are invalid. */
export async function buildService(env: NodeJS.ProcessEnv) {
  const { databaseUrl, jwtSecret } = readSettings(env)
  // Your turn: connect the five parts of `parts/index.ts`, one error handler, and CORS for the origins in CORS_ORIGINS.
  return buildApp({ databaseUrl, secret: jwtSecret })
}
