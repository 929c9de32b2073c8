import { createHmac } from 'node:crypto'

export interface User {
  id: number
  email: string
  password: string
  role: 'user' | 'admin'
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

export function createIssueToken(secret: string): (user: User) => string {
  return ({ id, role }) => {
    const now = Math.floor(Date.now() / 1000)
    // The mistake: `sub` is a string (RFC 7519). Some libraries reject a number.
    const firstTwo = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: id, role, exp: now + 1800 })}`
    return `${firstTwo}.${createHmac('sha256', secret).update(firstTwo).digest('base64url')}`
  }
}

/** Returns the payload of any token, whatever signed it. Nothing in it is verified. */
export function readPayload(token: string): unknown {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}
