import { createHmac, timingSafeEqual } from 'node:crypto'

export interface Settings {
  secret: string
  /** The clock, in milliseconds since 1970. */
  now: () => number
}

// The mistake: nothing looks at `typ`, so an invitation logs somebody in.
export function createReasonFor({ secret, now }: Settings): (token: string) => Promise<string> {
  return async (token) => {
    const parts = token.split('.')
    if (parts.length !== 3) return 'not three parts'
    const [header = '', payload = '', signature = ''] = parts
    const { alg, kid } = read(header)
    if (alg !== 'HS256') return 'wrong algorithm'
    if (kid !== '1') return 'unknown key'
    const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest()
    const given = Buffer.from(signature, 'base64url')
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'wrong signature'
    const { iss, exp } = read(payload)
    if (iss !== 'social-api') return 'wrong issuer'
    return now() / 1000 < exp ? 'accepted' : 'expired'
  }
}

function read(part: string) {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}
