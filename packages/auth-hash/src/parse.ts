/** A stored hash, taken apart. */
export interface StoredHash {
  /** How the password became what bcrypt was given. */
  readonly scheme: 'bcrypt' | 'bcrypt-sha256' | 'django'
  /** bcrypt ran 2^cost rounds. */
  readonly cost: number
  /** 128 bits in bcrypt's own base64: 22 characters. */
  readonly salt: string
  /** 184 bits in bcrypt's own base64: 31 characters. */
  readonly digest: string
  /** Of the pepper, where there is one. */
  readonly keyId: string | undefined
  /** As written: 2a, 2b or 2y. All three are computed alike. */
  readonly version: '2a' | '2b' | '2y'
}

// 128 bits are 21⅓ characters and 184 bits are 30⅔: of the last one not every value can come about.
const SALT = '(?<salt>[./A-Za-z0-9]{21}[.Oeu])'
const DIGEST = '(?<digest>[./A-Za-z0-9]{30}[.CGKOSWaeimquy26])'
const CRYPT = `\\$(?<version>2[aby])\\$(?<cost>0[4-9]|[12][0-9]|3[01])\\$${SALT}${DIGEST}`

const FORMATS = [
  ['bcrypt', new RegExp(`^${CRYPT}$`)],
  [
    'bcrypt-sha256',
    new RegExp(
      `^\\$bcrypt-sha256\\$v=2,t=(?<version>2b),r=(?<cost>[4-9]|[12][0-9]|3[01])(?:,keyid=(?<keyId>[A-Za-z0-9.-]{1,32}))?\\$${SALT}\\$${DIGEST}$`,
    ),
  ],
  ['django', new RegExp(`^bcrypt_sha256\\$${CRYPT}$`)],
] as const

/**
 * Reads a stored hash, from its first character to its last; what bcrypt would overlook is refused.
 */
export function parse(text: unknown): StoredHash | undefined {
  if (typeof text !== 'string') return undefined
  for (const [scheme, format] of FORMATS) {
    const groups = format.exec(text)?.groups
    if (groups === undefined) continue
    // The patterns above have matched: each of these groups is there and holds what its pattern says.
    const { version, cost, salt, digest, keyId } = groups as {
      version: StoredHash['version']
      cost: string
      salt: string
      digest: string
      keyId?: string
    }
    return { scheme, version, cost: Number(cost), salt, digest, keyId }
  }
  return undefined
}
