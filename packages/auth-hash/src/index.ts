/**
 * @module
 * @mergeModuleWith <project>
 */

export type { CalibrateOptions } from './calibrate.ts'
export { calibrate } from './calibrate.ts'
export { createHasher } from './create-hasher.ts'
export type { AuthHashErrorCode } from './errors.ts'
export { AuthHashError, OverloadedError } from './errors.ts'
export type { HashInfo } from './explain.ts'
export { explain } from './explain.ts'
export { compare, hash, needsRehash } from './hash.ts'
export type { Hasher, HashOptions, HashText, Reason, Verdict, VerifyInput } from './hasher.ts'
export type { ForeignScheme, HasherOptions, Pepper, Scheme } from './options.ts'
export { DEFAULTS } from './options.ts'
export type { Argon2Hash, BcryptHash, StoredHash } from './parse.ts'
export type { AbortSignalLike, Slot, Stats } from './queue.ts'
export { selfTest } from './self-test.ts'
