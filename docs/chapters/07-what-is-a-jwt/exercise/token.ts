import { randomBytes } from 'node:crypto'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'

export interface User {
  id: number
  email: string
  password: string
  role: 'user' | 'admin'
}

// Yours to say: which claims?
const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({}) })
const keys = keyring('HS256', [{ kid: '1', key: randomBytes(32) }])
const kit = jwtKit({ issuer: 'chapter-07', keys, kinds: { access } })

/** A token that says who the user is and what they may do. */
export function issueToken(user: User): string {
  throw new Error(`Nobody issues user ${user.id} a token yet (${kit.access.typ})`)
}

/** What a token says: anybody's token, whatever it was signed with. Nothing of it is proven. */
export function readPayload(token: string): unknown {
  throw new Error(`Nobody reads this token of ${token.length} characters yet`)
}
