import { decodeJwt, SignJWT } from 'jose'

export interface User {
  id: number
  email: string
  password: string
  role: 'user' | 'admin'
}

/** With the package jose, which signs asynchronously. */
export function createIssueToken(secret: string): (user: User) => Promise<string> {
  const key = new TextEncoder().encode(secret)
  return ({ id, role }) =>
    new SignJWT({ role })
      .setProtectedHeader({ alg: 'HS256', typ: 'access+jwt' })
      .setSubject(String(id))
      .setIssuedAt()
      .setExpirationTime('30 minutes')
      .sign(key)
}

export const readPayload = (token: string): unknown => decodeJwt(token)
