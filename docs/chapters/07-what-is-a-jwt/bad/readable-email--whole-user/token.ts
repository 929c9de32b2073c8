import jwt from 'jsonwebtoken'

export interface User {
  id: number
  email: string
  password: string
  role: 'user' | 'admin'
}

// The mistake: the whole row is in the token, with the hash of the password.
export const createIssueToken = (secret: string) => (user: User) =>
  jwt.sign({ ...user, sub: `${user.id}` }, secret, { expiresIn: '30m' })

/** Returns the payload of any token, whatever signed it. Nothing in it is verified. */
export function readPayload(token: string): unknown {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}
