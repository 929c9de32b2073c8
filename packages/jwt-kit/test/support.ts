import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { type Algorithm, jwtKit, type Keyring, keyring, tokenKind } from '../src/index.ts'
import { testClock } from '../src/testing.ts'

/** 32 characters, as short as a secret for HS256 may be. */
export const SECRET = randomBytes(24).toString('base64url')
export const OTHER_SECRET = randomBytes(24).toString('base64url')
/** 64 characters, as short as a secret for HS512 may be. */
export const LONG_SECRET = randomBytes(48).toString('base64url')
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

export type Asymmetric = Exclude<Algorithm, 'HS256' | 'HS384' | 'HS512'>

const rsaKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ecKey = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const [rs, ps] = [rsaKey(), rsaKey()]

export const privateKeys: Readonly<Record<Asymmetric, KeyObject>> = {
  ES256: ecKey('P-256'),
  ES384: ecKey('P-384'),
  ES512: ecKey('P-521'),
  Ed25519: generateKeyPairSync('ed25519').privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
  RS256: rs,
  RS384: rs,
  RS512: rs,
  PS256: ps,
  PS384: ps,
  PS512: ps,
}

export const isAsymmetric = (algorithm: Algorithm): algorithm is Asymmetric => algorithm in privateKeys

export function ringOf(algorithm: Algorithm): Keyring {
  const secret = algorithm === 'HS256' ? SECRET : LONG_SECRET
  return keyring(algorithm, [
    { kid: '2026-11', key: isAsymmetric(algorithm) ? privateKeys[algorithm] : secret },
  ])
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
