import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { ERROR_CODES, JwtKitError, type JwtKitErrorCode, jwtKit, keyring } from '../src/index.ts'
import { type Forgery, forge } from '../src/testing.ts'
import { accessKind, CLAIMS, errorOf, ISSUER, makeKit, OTHER_SECRET, SECRET } from './support.ts'

const pages = new URL('../../../docs/errors/', import.meta.url)

t.test('has a page for every code, and a code for every page', async (t) => {
  const named = readdirSync(pages)
    .filter((name) => name.startsWith('JWT_KIT_'))
    .map((name) => name.replace(/\.md$/, ''))
  t.same(named.sort(), [...ERROR_CODES].sort())
  for (const code of ERROR_CODES) {
    const text = readFileSync(new URL(`${code}.md`, pages), 'utf8')
    for (const part of [`# ${code}`, '## What happened', '## Why', '## How to fix it', '## Learn more']) {
      t.ok(text.includes(part), `${code}: ${part}`)
    }
  }
})

const keys = keyring('HS256', [
  { kid: '2026-11', key: SECRET },
  { kid: 'old', key: OTHER_SECRET, verifyUntil: '2020-01-01T00:00:00Z' },
])
const { now } = makeKit()
const FORGERIES: Partial<Record<JwtKitErrorCode, Forgery | string>> = {
  JWT_KIT_MALFORMED: 'abc',
  JWT_KIT_TOO_LARGE: 'x'.repeat(9000),
  JWT_KIT_ALGORITHM: { header: { alg: 'none' } },
  JWT_KIT_WRONG_KIND: { header: { typ: 'JWT' } },
  JWT_KIT_HEADER: { header: { crit: ['x'] } },
  JWT_KIT_UNKNOWN_KEY: { header: { kid: 'x' } },
  JWT_KIT_RETIRED_KEY: { header: { kid: 'old' } },
  JWT_KIT_SIGNATURE: { signature: '' },
  JWT_KIT_WRONG_ISSUER: { claims: { iss: 'x' } },
  JWT_KIT_WRONG_AUDIENCE: { claims: { aud: 'x' } },
  JWT_KIT_EXPIRED: { claims: { iat: now - 100, exp: now - 1 } },
  JWT_KIT_NOT_YET_VALID: { claims: { nbf: now + 100 } },
  JWT_KIT_CLAIMS: { claims: { role: 'root' } },
  JWT_KIT_REVOKED: { claims: { jti: 'revoked' } },
}

async function refusals(): Promise<JwtKitError[]> {
  const revoked = (claims: { jti: string }) => claims.jti === 'revoked'
  const kit = jwtKit({ issuer: ISSUER, keys, kinds: { access: accessKind }, revoked, now: () => now * 1000 })
  const tokens = Object.values(FORGERIES).map((forgery) =>
    typeof forgery === 'string' ? forgery : forge(kit.access, CLAIMS, forgery),
  )
  return Promise.all(
    tokens.map(async (token) => (await errorOf(() => kit.access.verify(token))) as unknown as JwtKitError),
  )
}

t.test(
  'every way in which a token is wrong has a code, a part, a sentence and a hint of its own',
  async (t) => {
    const errors = await refusals()
    t.same(
      errors.map((error) => error.code),
      Object.keys(FORGERIES),
    )
    t.equal(new Set(errors.map((error) => error.message)).size, errors.length, 'a sentence of its own')
    for (const error of errors) {
      t.ok(error instanceof JwtKitError && error instanceof Error)
      t.equal(error.name, 'JwtKitError')
      t.equal(error.statusCode, 401)
      t.match(error.message, /^[A-Z].{15,}$/)
      t.match(error.hint, /^[A-Z].{10,}[.]$/)
      t.match(error.part, /^(token|header|payload|signature)$/, error.code)
    }
  },
)

t.test('a client is told that a token expired, and of everything else the same', async (t) => {
  const challenges = new Map((await refusals()).map((error) => [error.code, error.challenge]))
  t.equal(
    challenges.get('JWT_KIT_EXPIRED'),
    'Bearer error="invalid_token", error_description="The access token expired"',
  )
  challenges.delete('JWT_KIT_EXPIRED')
  t.same(
    new Set(challenges.values()),
    new Set(['Bearer error="invalid_token", error_description="The access token is invalid"']),
  )
})

t.test('narrows by code', async (t) => {
  const sentence = (code: JwtKitErrorCode): string => {
    switch (code) {
      case 'JWT_KIT_EXPIRED':
        return 'late'
      // @ts-expect-error there is no such code
      case 'JWT_KIT_NO_SUCH_CODE':
        return 'never'
      default:
        return 'other'
    }
  }
  t.equal(sentence('JWT_KIT_EXPIRED'), 'late')
})

t.test('has the status that answers it', async (t) => {
  const status = (code: JwtKitErrorCode) => new JwtKitError(code, 'x', { hint: 'y' }).statusCode
  t.equal(status('JWT_KIT_INVALID_REQUEST'), 400)
  t.equal(status('JWT_KIT_REVOCATION_UNAVAILABLE'), 503)
  for (const code of ['JWT_KIT_NO_CREDENTIALS', 'JWT_KIT_INVALID_TOKEN', 'JWT_KIT_SIGNATURE'] as const)
    t.equal(status(code), 401)
  for (const code of ['JWT_KIT_OPTIONS', 'JWT_KIT_KEY', 'JWT_KIT_NOT_GUARDED'] as const)
    t.equal(status(code), 500)
})

t.test('has a challenge where RFC 6750 wants one, and none where not', async (t) => {
  const error = (code: JwtKitErrorCode, cause?: unknown) => new JwtKitError(code, 'x', { hint: 'y', cause })
  t.equal(error('JWT_KIT_NO_CREDENTIALS').challenge, 'Bearer')
  t.match(
    error('JWT_KIT_INVALID_REQUEST').challenge,
    /^Bearer error="invalid_request", error_description="[^"]+"$/,
  )
  t.match(error('JWT_KIT_INVALID_TOKEN', error('JWT_KIT_EXPIRED')).challenge, /expired"$/)
  t.match(error('JWT_KIT_INVALID_TOKEN', error('JWT_KIT_SIGNATURE')).challenge, /invalid"$/)
  t.match(error('JWT_KIT_INVALID_TOKEN', new Error('x')).challenge, /invalid"$/)
  t.same(error('JWT_KIT_NO_CREDENTIALS').headers, { 'www-authenticate': 'Bearer' })
  for (const code of ['JWT_KIT_OPTIONS', 'JWT_KIT_REVOCATION_UNAVAILABLE'] as const)
    t.notOk('challenge' in error(code) || 'headers' in error(code))
})
