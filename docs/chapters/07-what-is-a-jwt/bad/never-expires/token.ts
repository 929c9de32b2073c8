import jwt from 'jsonwebtoken'

export interface User {
  id: number
  email: string
  password: string
  role: 'user' | 'admin'
}

// The mistake: without `expiresIn`, the token has no `exp`. A copy of it works forever.
export const createIssueToken = (secret: string) => (user: User) =>
  jwt.sign({ role: user.role }, secret, { subject: `${user.id}` })

/** Returns the payload of any token, whatever signed it. Nothing in it is verified. */
export function readPayload(token: string): unknown {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}
