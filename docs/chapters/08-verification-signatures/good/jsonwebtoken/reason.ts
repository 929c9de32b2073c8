import jwt from 'jsonwebtoken'

export interface Settings {
  secret: string
  /** The clock, in milliseconds since 1970. */
  now: () => number
}

/** With the package jsonwebtoken, which checks neither `kid` nor `typ`. */
export function createReasonFor({ secret, now }: Settings): (token: string) => Promise<string> {
  return async (token) => {
    const { header } = jwt.decode(token, { complete: true }) ?? {}
    if (header?.alg !== 'HS256') return header ? `algorithm ${header.alg}` : 'not a token'
    if (header.kid !== '1') return 'unknown key'
    if (header.typ !== 'access+jwt') return 'not an access token'
    try {
      const clockTimestamp = Math.floor(now() / 1000)
      jwt.verify(token, secret, { algorithms: ['HS256'], issuer: 'social-api', clockTimestamp })
      return 'accepted'
    } catch (error) {
      if (error instanceof jwt.JsonWebTokenError) return error.message
      throw error
    }
  }
}
