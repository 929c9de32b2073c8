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

// The mistake: the function has another name than the one that is imported.
export function createIssuer(secret: string): (user: User) => string {
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access } })
  return ({ id, role }) => kit.access.sign({ sub: String(id), role })
}

/** Returns the payload of any token, whatever signed it. Nothing in it is verified. */
export function readPayload(token: string): unknown {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}
