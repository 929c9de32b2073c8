export interface Settings {
  secret: string
  /** The clock, in milliseconds since 1970. */
  now: () => number
}

// The mistake: the claims are read but not verified. The secret is not even used.
export function createReasonFor({ now }: Settings): (token: string) => Promise<string> {
  return async (token) => {
    const parts = token.split('.')
    const [header = '', payload = ''] = parts
    const { alg, typ } = read(header)
    if (alg !== 'HS256') return 'wrong algorithm'
    if (typ !== 'access+jwt') return 'wrong type'
    const { iss, exp } = read(payload)
    if (iss !== 'social-api') return 'wrong issuer'
    return now() / 1000 < exp ? 'accepted' : 'expired'
  }
}

function read(part: string) {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}
