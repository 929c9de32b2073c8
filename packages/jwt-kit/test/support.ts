import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { type Algorithm, jwtKit, type Keyring, keyring, tokenKind } from '../src/index.ts'
import { testClock } from '../src/testing.ts'

/** 32 characters, as short as a secret may be. */
export const SECRET = randomBytes(24).toString('base64url')
export const OTHER_SECRET = randomBytes(24).toString('base64url')
export const ISSUER = 'https://auth.shop.example'

export const accessKind = tokenKind('access+jwt', {
  ttl: '30m',
  claims: Type.Object({
    sub: Type.String({ description: 'the user, by id' }),
    role: Type.Union([Type.Literal('user'), Type.Literal('admin')], { description: 'what the user may do' }),
  }),
})
export const refreshKind = tokenKind('refresh+jwt', {
  ttl: '30d',
  claims: Type.Object({ sub: Type.String() }),
})

export const CLAIMS = { sub: '7', role: 'user' } as const

export const privateKeys: Record<Exclude<Algorithm, 'HS256'>, KeyObject> = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
}

export function ringOf(algorithm: Algorithm): Keyring {
  const key = algorithm === 'HS256' ? SECRET : privateKeys[algorithm]
  return keyring(algorithm, [{ kid: '2026-11', key }])
}

/** A kit of two kinds on a clock that stands still. */
export function makeKit(keys: Keyring = ringOf('HS256'), audience?: string) {
  const clock = testClock('2026-11-22T12:00:00Z')
  const options = {
    issuer: ISSUER,
    keys,
    now: clock.now,
    kinds: { access: accessKind, refresh: refreshKind },
  }
  const kit = jwtKit(audience === undefined ? options : { ...options, audience })
  return { kit, clock, now: clock.now() / 1000 }
}

/** The error that a call throws or rejects with; fails where there is none. */
export async function errorOf(call: () => unknown): Promise<Record<string, unknown> & Error> {
  try {
    await call()
  } catch (problem) {
    return problem as Record<string, unknown> & Error
  }
  throw new Error('Expected an error')
}
