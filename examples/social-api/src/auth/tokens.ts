import { channel } from 'node:diagnostics_channel'
import { setTimeout } from 'node:timers/promises'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { Problem } from '../problem.ts'
import { User } from '../users/model.ts'
import { RefreshFamily, type RefreshLifetime } from './model.ts'
import { AccessClaims } from './schemas.ts'

export interface TokenConfig extends RefreshLifetime {
  readonly jwtSecret: string
  /** A duration, such as `30m`. */
  readonly accessTokenTtl: string
}

/** The diagnostics channel on which `{ id, role, name }` of a token's user is published. */
export const CALLER_CHANNEL = 'auth-primer:social-api:caller'
const callerChannel = channel(CALLER_CHANNEL)

/** Creates the kit that signs and verifies access tokens. Another issuer or clock makes tokens that must be rejected. */
export function createAccessTokens(
  { jwtSecret, accessTokenTtl }: Pick<TokenConfig, 'jwtSecret' | 'accessTokenTtl'>,
  { issuer = 'social-api', now = Date.now } = {},
) {
  return jwtKit({
    issuer,
    now,
    keys: keyring('HS256', [{ kid: '1', key: jwtSecret }]),
    kinds: { access: tokenKind('access+jwt', { ttl: accessTokenTtl, claims: AccessClaims }) },
  })
}

/** Issues the tokens of a login. Throws if the user was deleted, or has a new password, since the old one was compared. */
export async function issueTokens({ server, db }: FastifyRequest, user: User) {
  await waitUntilAfterPasswordChange(user)
  const current = await User.lock(db, user, 'share')
  if (current === undefined) throw new Problem('INVALID_CREDENTIALS')
  return toTokenOut(server, current, await RefreshFamily.begin(db, current, server.refreshLifetime))
}

export function toTokenOut({ tokens }: FastifyInstance, { id, role }: User, refresh_token: string) {
  return {
    access_token: tokens.access.sign({ sub: String(id), user_id: id, role }),
    token_type: 'bearer' as const,
    expires_in: tokens.access.ttl,
    refresh_token,
  }
}

/**
 * The `onRequest` of a route for users: checks the bearer token and sets `request.caller`. It runs before the body is read,
 * so a request without a good token is a 401 whatever its body.
 */
export async function authenticate(request: FastifyRequest): Promise<void> {
  await request.jwtVerify()
  const { sub, user_id, iat } = request.server.tokens.access.claims(request)
  const user = sub === String(user_id) ? await User.query(request.server.knex).findById(user_id) : undefined
  if (user === undefined) throw invalidToken('The user of this token no longer exists.')
  if (isIssuedBeforePasswordChange(iat, user))
    throw invalidToken('The password was changed after this token was issued.')
  request.caller = user
  if (callerChannel.hasSubscribers)
    callerChannel.publish({ id: user.id, role: user.role, name: user.email })
    // A request's logger is its own, and pino's. `setBindings` is about ten times cheaper than a child logger.
  ;(request.log as Logger).setBindings({ user: user.id })
}

/** Returns a problem with the challenge of RFC 6750, section 3. */
export function invalidToken(detail: string): Problem {
  return new Problem('TOKEN_INVALID', detail, {
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  })
}

// `iat` has whole seconds. A token of the very second in which the password was changed may be older than the change, so it
// is rejected, and a login in that second waits until the second is over.
function isIssuedBeforePasswordChange(iat: number, { password_changed_at }: User): boolean {
  return iat * 1000 < (password_changed_at?.getTime() ?? 0)
}

/** Waits, at most a second, until a new token's `iat` is later than the last password change. */
async function waitUntilAfterPasswordChange({ password_changed_at }: User): Promise<void> {
  const end = Math.ceil((password_changed_at?.getTime() ?? 0) / 1000) * 1000
  while (Date.now() < end) await setTimeout(end - Date.now())
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly tokens: ReturnType<typeof createAccessTokens>
    readonly refreshLifetime: RefreshLifetime
  }
  interface FastifyRequest {
    /** The user who is asking, read from the database for this request. Only on routes with `onRequest: authenticate`. */
    caller: User
  }
}
