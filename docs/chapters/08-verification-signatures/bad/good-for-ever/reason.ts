import { createHmac, timingSafeEqual } from 'node:crypto'

export interface Settings {
  secret: string
  /** The clock, in milliseconds since 1970. */
  now: () => number
}

// The mistake: nothing looks at `exp`, so a stolen token works forever.
export function createReasonFor({ secret }: Settings): (token: string) => Promise<string> {
  return async (token) => {
    const parts = token.split('.')
    if (parts.length !== 3) return 'not three parts'
    const [header = '', payload = '', signature = ''] = parts
    const { alg, kid, typ } = read(header)
    if (alg !== 'HS256') return 'wrong algorithm'
    if (kid !== '1') return 'unknown key'
    const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest()
    const given = Buffer.from(signature, 'base64url')
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'wrong signature'
    if (typ !== 'access+jwt') return 'wrong type'
    const { iss } = read(payload)
    if (iss !== 'social-api') return 'wrong issuer'
    return 'accepted'
  }
}

function read(part: string) {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}
