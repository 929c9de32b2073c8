import jwt from 'jsonwebtoken'

export interface User {
  id: number
  email: string
  password: string
  role: 'user' | 'admin'
}

/** With the package jsonwebtoken. */
export const createIssueToken = (secret: string) => (user: User) =>
  jwt.sign({ role: user.role }, secret, { subject: `${user.id}`, expiresIn: '15m' })

/** `decode` does not verify. */
export const readPayload = (token: string) => jwt.decode(token)
