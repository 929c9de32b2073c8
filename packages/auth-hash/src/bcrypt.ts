import { randomBytes } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { AuthHashError } from './errors.ts'

/** Published before each computation: `{ cost }`. Counting these counts the work done. */
const computing = channel('auth-primer:auth-hash:compute')

/** Loads bcrypt when it is first needed, so that a missing binary does not break the import of this package. */
async function loadBcrypt() {
  try {
    return (await import('bcrypt')).default
  } catch (cause) {
    throw new AuthHashError(
      'AUTH_HASH_BCRYPT_UNAVAILABLE',
      `Expected the package bcrypt with a binary for ${process.platform} on ${process.arch}, which cannot be loaded; install the dependencies on the system that runs the service`,
      { cause },
    )
  }
}

let bcrypt: Awaited<ReturnType<typeof loadBcrypt>> | undefined

/**
 * The only place where bcrypt itself runs: 2^cost rounds over at most 72 bytes.
 *
 * @returns the digest, 31 characters of bcrypt's own base64
 */
export async function digest(secret: Buffer, salt: string, cost: number): Promise<string> {
  bcrypt ??= await loadBcrypt()
  if (computing.hasSubscribers) computing.publish({ cost })
  const hash = await bcrypt.hash(secret, `$2b$${twoDigits(cost)}$${salt}`)
  return hash.slice(-31)
}

export function twoDigits(cost: number): string {
  return String(cost).padStart(2, '0')
}

const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Returns 128 random bits in bcrypt's own base64: 22 characters, the last of which carries two bits. */
export function randomSalt(): string {
  const bytes = randomBytes(22)
  const characters = Array.from(bytes.subarray(0, 21), (byte) => ALPHABET[byte & 63])
  return characters.join('') + ALPHABET[(bytes[21] as number) & 48]
}
