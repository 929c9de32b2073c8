import { explainToken, jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
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
    role: Type.String(),
  }),
})

/** Creates a function that issues a token, signed with the secret. It says who the user is and what they may do. */
export function createIssueToken(secret: string): (user: User) => string {
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access } })
  return ({ id, role }) => kit.access.sign({ sub: String(id), role })
}

/** With the kit's own function, which explains tokens of anyone. */
export function readPayload(token: string): unknown {
  return explainToken(token).parts.find(({ name }) => name === 'payload')?.value
}
