import { createRequire } from 'node:module'
import { JwtKitError } from '@auth-primer/jwt-kit'

/** The versions of jwt-kit that this version is made for: before 1.0.0, those with the same minor version. */
export const JWT_KIT_SERIES = '0.1'

/**
 * Checks the version of jwt-kit. The peer dependency has no version range, because a range can make `npm install` fail. But another
 * jwt-kit may check claims in another way.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS`
 */
export function checkJwtKit(): void {
  const version = readVersion()
  if (version === undefined || version.startsWith(`${JWT_KIT_SERIES}.`)) return
  throw new JwtKitError(
    'JWT_KIT_OPTIONS',
    `Expected @auth-primer/jwt-kit ${JWT_KIT_SERIES}, got ${version}`,
    { hint: 'Install the same version of @auth-primer/jwt-kit and @auth-primer/jwt-remote.' },
  )
}

function readVersion(): string | undefined {
  try {
    return createRequire(import.meta.url)('@auth-primer/jwt-kit/package.json').version
  } catch {
    // A bundle has no package.json: its builder has chosen the version.
    return undefined
  }
}
