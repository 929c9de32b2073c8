// Reads and writes JSON Web Tokens by hand: the grader must be able to make wrong ones, too.
import { createHmac } from 'node:crypto'
import { Failure, need } from './check.ts'
import type { Account, Json } from './subject.ts'

export interface Token {
  readonly header: Json
  readonly payload: Json
  readonly parts: readonly [header: string, payload: string, signature: string]
}

/** Decodes the access token of an account, without verifying it. */
export function decodeToken({ token, login }: Pick<Account, 'token' | 'login'>): Token {
  const parts = token.split('.')
  if (parts.length !== 3)
    throw new Failure(
      'an access token with three parts',
      `a token with ${parts.length} ${parts.length === 1 ? 'part' : 'parts'}`,
      login.sent,
    )
  const [header, payload] = parts.map((part, index) => (index < 2 ? decodePart(part) : undefined))
  if (!header || !payload)
    throw new Failure(
      'an access token with a header and a payload that are JSON objects in base64url',
      'a header or a payload in another format',
      login.sent,
    )
  return { header, payload, parts: parts as [string, string, string] }
}

/** Decodes the access token of an account for a check that builds on it. */
export function needToken(account: Pick<Account, 'token' | 'login'>): Promise<Token> {
  return need('an access token that is a JWT', async () => decodeToken(account))
}

function decodePart(part: string): Json | undefined {
  if (!/^[\w-]+$/.test(part)) return undefined
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function encodePart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** Signs a header and a payload. */
export function signToken(header: Json, payload: Json, secret: string | Buffer): string {
  const algorithm = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }[String(header.alg)] ?? 'sha256'
  const text = `${encodePart(header)}.${encodePart(payload)}`
  return `${text}.${createHmac(algorithm, secret).update(text).digest('base64url')}`
}
