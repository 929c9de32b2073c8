import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'

export interface User {
  id: number
  email: string
  password: string
  role: 'user' | 'admin'
}

const access = tokenKind('access+jwt', {
  ttl: '30m',
  claims: Type.Object({
    sub: Type.String(),
  }),
})

// The mistake: the token says who the user is, but not what they may do.
export function createIssueToken(secret: string): (user: User) => string {
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access } })
  return ({ id }) => kit.access.sign({ sub: String(id) })
}

/** Returns the payload of any token, whatever signed it. Nothing in it is verified. */
export function readPayload(token: string): unknown {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}
