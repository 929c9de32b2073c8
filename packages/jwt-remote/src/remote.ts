import { type ClaimsSchema, type Explanation, type GuardRequest, JwtKitError } from '@auth-primer/jwt-kit'
import { channels } from './channels.ts'
import { createClaimsReader, type RemoteClaims } from './claims.ts'
import { explainRemote } from './explain.ts'
import { fetchKeySet } from './fetch-key-set.ts'
import { createRequestVerifier, type RemoteGuard } from './guard.ts'
import { checkJwtKit } from './jwt-kit-version.ts'
import { readKeySet } from './key-set.ts'
import { fetchedKeys, fixedKeys, type KeySource } from './key-source.ts'
import { type JwtRemoteOptions, type RemoteRules, readOptions, rejectOptions } from './options.ts'
import { verifyToken } from './verify.ts'

/** Verifies the tokens of one provider. Made by {@link jwtRemote}. */
export interface JwtRemote<C extends ClaimsSchema> {
  /**
   * Verifies a token and returns its claims: those of the schema and the registered ones, frozen. A claim that neither names
   * is left out; a schema with `additionalProperties: false` rejects it.
   *
   * @throws {JwtKitError} whose `code` is a `TokenErrorCode` (401)
   * @throws {JwtRemoteError} if the provider's keys are not available (503)
   */
  verify(token: string): Promise<RemoteClaims<C>>
  /**
   * Verifies the bearer token of a request of Fastify, Express, Node's `http` or `fetch`, and returns its claims.
   *
   * @throws {JwtKitError} `JWT_KIT_NO_CREDENTIALS`, `JWT_KIT_INVALID_TOKEN` (401) or `JWT_KIT_INVALID_REQUEST` (400)
   * @throws {JwtRemoteError} if the provider's keys are not available (503)
   */
  verifyRequest(request: GuardRequest): Promise<RemoteClaims<C>>
  /** Returns an `onRequest` hook of Fastify that is a middleware of Express, too. It rejects as `verifyRequest` does. */
  guard(): RemoteGuard
  /**
   * Returns the claims of a request that `guard` or `verifyRequest` accepted.
   *
   * @throws {JwtKitError} `JWT_KIT_NOT_GUARDED` if neither did
   */
  claims(request: object): RemoteClaims<C>
  /**
   * Explains a token as jwt-kit's `explainToken` does, and whether this service accepts it. It never rejects. It contains what the
   * token says, so keep it out of logs. A token of more than 8,192 characters is judged, but its claims are not listed.
   */
  explain(token: string): Promise<Explanation>
}

/**
 * Makes a verifier for the tokens of an identity provider.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` if an option is not as described or unknown, or jwt-kit has an unsuitable version;
 *   `JWT_KIT_KEY` if `jwks` has no key that can verify.
 *
 * @example
 * ```js
 * import { Type } from '@sinclair/typebox'
 * import { jwtRemote } from '@auth-primer/jwt-remote'
 *
 * const provider = jwtRemote({
 *   issuer: 'https://shop.eu.auth0.com/',
 *   audience: 'https://api.shop.example',
 *   jwksUri: 'https://shop.eu.auth0.com/.well-known/jwks.json',
 *   claims: Type.Object({ sub: Type.String(), scope: Type.String() }),
 * })
 * const refused = await provider.verify('not a token').catch((error) => error)
 * console.log(refused.code, refused.statusCode) // JWT_KIT_MALFORMED 401
 * ```
 */
export function jwtRemote<const C extends ClaimsSchema>(options: JwtRemoteOptions<C>): JwtRemote<C> {
  checkJwtKit()
  const rules = readOptions(options)
  const readClaims = createClaimsReader(options.claims, options.formats)
  const keys = createKeySource(rules)

  const verify = async (token: string, ...rest: unknown[]) => {
    rejectOptions('verify', rest)
    try {
      const { alg, payload } = await verifyToken(token, rules, keys)
      const claims = readClaims(payload)
      channels.accept.publish({ algorithm: alg })
      // The checks of the schema make the payload the claims that it describes.
      return claims as unknown as RemoteClaims<C>
    } catch (problem) {
      const { code, part, claim } = problem as JwtKitError
      channels.refuse.publish({ code, part, claim })
      throw problem
    }
  }
  const requests = createRequestVerifier(verify)
  return Object.freeze({
    verify,
    verifyRequest: async (request: GuardRequest, ...rest: unknown[]) => {
      rejectOptions('verifyRequest', rest)
      return requests.verifyRequest(request)
    },
    guard: (...options: unknown[]) => {
      if (options[0] === undefined) return requests.guard
      throw new JwtKitError('JWT_KIT_OPTIONS', '`guard` has no options', { hint: 'Give them to jwtRemote.' })
    },
    claims: requests.claims,
    explain: async (token: string, ...rest: unknown[]) => {
      rejectOptions('explain', rest)
      return explainRemote(token, { verify, schema: options.claims, now: rules.now })
    },
  } satisfies JwtRemote<C>)
}

function createKeySource(rules: RemoteRules): KeySource {
  const { jwksUri, algorithms } = rules
  if (jwksUri !== undefined) {
    const limits = { timeoutMs: rules.timeout * 1000, maxBytes: rules.maxJwksBytes }
    return fetchedKeys(() => fetchKeySet(jwksUri, algorithms, limits), {
      cacheMaxAgeMs: rules.cacheMaxAge * 1000,
      cooldownMs: rules.cooldown * 1000,
      now: rules.now,
    })
  }
  const keys = readKeySet(rules.jwks, algorithms)
  if (keys.length > 0) return fixedKeys(keys)
  throw new JwtKitError('JWT_KIT_KEY', '`jwks` has no key that can verify with an allowed algorithm', {
    hint: 'Compare `algorithms` to the `alg` of the keys. Encryption keys and secrets are passed over.',
  })
}
