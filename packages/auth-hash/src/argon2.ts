import * as crypto from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import { AuthHashError } from './errors.ts'

/** Published before each computation: `{ memory, passes }`. */
const computing = channel('auth-primer:auth-hash:compute')

export interface Argon2Input {
  readonly message: string
  readonly nonce: Buffer
  /** The memory in KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
  readonly tagLength: number
  /** A pepper. */
  readonly secret?: crypto.KeyObject | undefined
}

/** `crypto.argon2` as Node 24.7 has it; the types of older versions do not declare it. */
type Argon2 = (
  algorithm: 'argon2id',
  parameters: object,
  done: (error: Error | null, tag: Buffer) => void,
) => void
const { argon2 } = crypto as { argon2?: Argon2 }

export const hasArgon2 = argon2 !== undefined

/** Computes Argon2id in libuv's thread pool. */
export function argon2id({ secret, ...parameters }: Argon2Input): Promise<Buffer> {
  const key = secret && { secret: secret.export() }
  return new Promise((resolve, reject) => {
    if (argon2 === undefined) return reject(argon2Unavailable())
    if (computing.hasSubscribers) computing.publish({ memory: parameters.memory, passes: parameters.passes })
    argon2('argon2id', { ...parameters, ...key }, (error, tag) => (error ? reject(error) : resolve(tag)))
  })
}

export function argon2Unavailable(): AuthHashError {
  return new AuthHashError(
    'AUTH_HASH_ARGON2_UNAVAILABLE',
    `Expected Node.js 24.7 or later, which has crypto.argon2, got ${process.version}; upgrade Node.js, or use the scheme 'bcrypt'`,
  )
}

/** Base64 without padding, as in the PHC string format. */
export const toPhcBase64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
