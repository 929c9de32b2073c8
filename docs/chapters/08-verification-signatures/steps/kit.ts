import { randomBytes } from 'node:crypto'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'

const claims = Type.Object({ sub: Type.String(), role: Type.String() })
const kinds = {
  access: tokenKind('access+jwt', { ttl: '30m', claims }),
  invite: tokenKind('invite+jwt', { ttl: '7d', claims }),
}

export const kit = kitWith('1')

/** Creates a kit with a new key. */
export function kitWith(kid: string) {
  return jwtKit({ issuer: 'social-api', keys: keyring('HS256', [{ kid, key: randomBytes(32) }]), kinds })
}

export const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
export const write = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
