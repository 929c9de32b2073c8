import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testClock } from '@auth-primer/jwt-kit/testing'
import { Type } from '@sinclair/typebox'
import { SignJWT } from 'jose'
import type { Test } from 'tap'
import type { JwtRemoteOptions, RemoteAlgorithm } from '../src/index.ts'

export const ISSUER = 'https://login.example/'
export const AUDIENCE = 'https://api.shop.example'
export const claims = Type.Object({ sub: Type.String({ description: 'the user' }) })

/** A key pair of a provider. */
export interface SigningKey {
  readonly kid: string | undefined
  readonly alg: RemoteAlgorithm
  readonly privateKey: KeyObject
  readonly jwk: Record<string, unknown>
}

const CURVES: Partial<Record<RemoteAlgorithm, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

export function makeKey(
  kid: string | undefined,
  alg: RemoteAlgorithm = 'RS256',
  members: object = {},
): SigningKey {
  const curve = CURVES[alg]
  const { privateKey, publicKey } = curve
    ? generateKeyPairSync('ec', { namedCurve: curve })
    : alg === 'EdDSA' || alg === 'Ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg, ...(kid && { kid }), ...members }
  return { kid, alg, privateKey, jwk }
}

export const clock = testClock('2026-11-22T12:00:00Z')

/** Signs a token that is right in everything except what is given. A claim that is undefined is left out. */
export function sign(key: SigningKey, payload: object = {}, header: object = {}): Promise<string> {
  const now = clock.now() / 1000
  const standard = { iss: ISSUER, aud: AUDIENCE, sub: '7', iat: now, exp: now + 3600 }
  return new SignJWT(JSON.parse(JSON.stringify({ ...standard, ...payload })))
    .setProtectedHeader({ alg: key.alg, typ: 'at+jwt', ...(key.kid && { kid: key.kid }), ...header })
    .sign(key.privateKey)
}

export function optionsFor(source: { jwksUri: string } | { jwks: { keys: object[] } }) {
  const keys = 'jwks' in source ? { jwks: source.jwks } : { jwksUri: source.jwksUri }
  return { issuer: ISSUER, audience: AUDIENCE, claims, now: clock.now, ...keys } satisfies JwtRemoteOptions<
    typeof claims
  >
}

export const setOf = (...keys: SigningKey[]) => ({ keys: keys.map(({ jwk }) => jwk) })

export type Respond = (request: IncomingMessage, response: ServerResponse) => void

/** A provider's HTTP server. `respond` can be replaced at any time. */
export async function startProvider(t: Test, first: object | Respond) {
  const toRespond = (content: object | Respond): Respond =>
    typeof content === 'function'
      ? (content as Respond)
      : (_, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify(content))
  let respond = toRespond(first)
  const provider = {
    requests: 0,
    jwksUri: '',
    serve: (content: object | Respond) => {
      respond = toRespond(content)
    },
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  const server = createServer((request, response) => {
    provider.requests++
    respond(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  provider.jwksUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return provider
}

/** What a `JwtKitError` and a `JwtRemoteError` have in common, and what one of them has. */
type AnyError = Error & { code: string; statusCode: number; hint: string; headers: Record<string, string> }

/** The error that a call throws or rejects with; fails if there is none. */
export async function errorOf(call: () => unknown): Promise<AnyError> {
  try {
    await call()
  } catch (problem) {
    return problem as AnyError
  }
  throw new Error('Expected an error')
}
