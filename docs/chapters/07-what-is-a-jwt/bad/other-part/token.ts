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
    sub: Type.String({ description: 'the ID of the user' }),
    role: Type.Union([Type.Literal('user'), Type.Literal('admin')]),
  }),
})

/** Creates a function that issues a token, signed with the secret. It says who the user is and what they may do. */
export function createIssueToken(secret: string): (user: User) => string {
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access } })
  return ({ id, role }) => kit.access.sign({ sub: String(id), role })
}

// The mistake: the first part is the header. The payload is the second one.
export function readPayload(token: string): unknown {
  const [payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}
