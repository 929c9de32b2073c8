import { randomBytes } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import bcrypt from 'bcrypt'

/** Published before each computation: `{ cost }`. Counting these counts the work done. */
const computing = channel('auth-primer:auth-hash:compute')

/**
 * The one place where bcrypt itself runs: 2^cost rounds over at most 72 bytes.
 *
 * @returns the digest, 31 characters of bcrypt's own base64
 */
export async function digest(secret: Buffer, salt: string, cost: number): Promise<string> {
  if (computing.hasSubscribers) computing.publish({ cost })
  const hash = await bcrypt.hash(secret, `$2b$${twoDigits(cost)}$${salt}`)
  return hash.slice(-31)
}

export function twoDigits(cost: number): string {
  return String(cost).padStart(2, '0')
}

const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** 128 random bits in bcrypt's own base64: 22 characters, of which the last carries two bits. */
export function randomSalt(): string {
  const bytes = randomBytes(22)
  const characters = Array.from(bytes.subarray(0, 21), (byte) => ALPHABET[byte & 63])
  return characters.join('') + ALPHABET[(bytes[21] as number) & 48]
}
