import { errors, jwtVerify } from 'jose'

export interface Settings {
  secret: string
  /** The clock, in milliseconds since 1970. */
  now: () => number
}

/** With the package jose. */
export function createReasonFor({ secret, now }: Settings): (token: string) => Promise<string> {
  const key = new TextEncoder().encode(secret)
  return async (token) => {
    try {
      await jwtVerify(
        token,
        async ({ kid }) => {
          if (kid !== '1') throw new errors.JWKSNoMatchingKey()
          return key
        },
        { algorithms: ['HS256'], issuer: 'social-api', typ: 'access+jwt', currentDate: new Date(now()) },
      )
      return 'accepted'
    } catch (error) {
      if (error instanceof errors.JWTClaimValidationFailed) return `claim ${error.claim}`
      if (error instanceof errors.JOSEError) return error.code
      throw error
    }
  }
}
