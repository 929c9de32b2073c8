import { randomBytes } from 'node:crypto'
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
// Only for this exercise. A service reads its key from its settings, or every restart ends all tokens.
const keys = keyring('HS256', [{ kid: '1', key: randomBytes(32) }])
const kit = jwtKit({ issuer: 'chapter-07', keys, kinds: { access } })

/** Issues a token that says who the user is and what they may do. */
export function issueToken({ id, role }: User): string {
  return kit.access.sign({ sub: String(id), role })
}

// The mistake: reading is not verifying. This reads only tokens of its own, and only until they expire.
export function readPayload(token: string): Promise<unknown> {
  return kit.access.verify(token)
}
