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
    role: Type.Enum({ user: 'user', admin: 'admin' }),
    scope: Type.Array(Type.String()),
  }),
})

/** With an additional claim that contains nothing personal. */
export function createIssueToken(secret: string): (user: User) => string {
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access } })
  return ({ id, role }) =>
    kit.access.sign({ sub: id.toString(), role, scope: role === 'admin' ? ['posts', 'users'] : ['posts'] })
}

export function readPayload(token: string): unknown {
  const [, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('utf8'))
  return JSON.parse(payload ?? '')
}
