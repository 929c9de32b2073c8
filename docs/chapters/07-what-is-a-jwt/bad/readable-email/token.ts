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
    sub: Type.String({ description: 'the user, by id' }),
    // The mistake: the kit refuses an e-mail in a token, and was told to be quiet. Whoever holds the token reads it.
    email: Type.String({ public: true }),
    role: Type.Union([Type.Literal('user'), Type.Literal('admin')]),
  }),
})
const keys = keyring('HS256', [{ kid: '1', key: randomBytes(32) }])
const kit = jwtKit({ issuer: 'chapter-07', keys, kinds: { access } })

/** A token that says who the user is and what they may do. */
export function issueToken({ id, email, role }: User): string {
  return kit.access.sign({ sub: String(id), email, role })
}

/** What a token says: anybody's token, whatever it was signed with. Nothing of it is proven. */
export function readPayload(token: string): unknown {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString())
}
