import { createRequire } from 'node:module'
import fastifyJwt, { type FastifyJWTOptions, type JWT } from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { BoundKind } from './bound-kind.ts'
import type { JsonObject } from './encoding.ts'
import { JwtKitError } from './errors.ts'
import { bearerToken, throwClientError } from './guard.ts'
import { type RingKey, readRingKeys } from './keyring.ts'
import { type KitBase, type KitParts, kitParts } from './kit.ts'
import { checkOptionNames } from './option-checks.ts'
import type { Kinds } from './options.ts'

// Brings the types of the decorators, `request.jwtVerify()` and so on, to everyone who imports this file.
export type { FastifyJWT } from '@fastify/jwt'

/** The options of the plugin. */
export interface JwtKitPluginOptions {
  /** The kit that verifies. */
  readonly kit: KitBase<Kinds>
  /** The kind of token that `request.jwtVerify()` and `app.jwt.verify()` verify. @default the first of the kit */
  readonly kind?: string
}

/** The version from which on `@fastify/jwt` and fast-jwt have no known advisory. */
const OLDEST_FASTIFY_JWT = [10, 2, 8] as const

/** The names of the decorators that `@fastify/jwt` makes and this plugin wraps. */
const [NAMESPACE, ENGINE] = ['jwtKit', 'jwtKitEngineVerify'] as const

type Secret = Extract<FastifyJWTOptions['secret'], (...args: never[]) => unknown>

/** A token as fast-jwt decodes it. */
interface Decoded {
  readonly header: { readonly kid?: string }
  readonly input?: string
  readonly signature?: string
}

type VerifyCallback = (error: unknown, claims: unknown) => void

interface VerifyOptions {
  readonly decode?: object
}

type JwtVerify = (this: FastifyRequest, options: VerifyOptions | undefined) => Promise<unknown>

/**
 * A Fastify plugin that registers `@fastify/jwt` such that nothing verifies more loosely than the kit. `request.jwtVerify()`
 * verifies with the kit, sets `request.user` and lets `kit.<kind>.claims(request)` work. If it is given options, the kit
 * verifies first, and `@fastify/jwt` can only refuse more. Only the kit signs.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` if an option is unknown or not as described.
 *
 * @example
 * ```js
 * import { randomBytes } from 'node:crypto'
 * import { Type } from '@sinclair/typebox'
 * import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
 * import jwtKitPlugin from '@auth-primer/jwt-kit/fastify'
 * import fastify from 'fastify'
 *
 * const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
 * const keys = keyring('HS256', [{ kid: '2026-11', key: randomBytes(32) }])
 * const kit = jwtKit({ issuer: 'https://auth.shop.example', keys, kinds: { access } })
 *
 * const app = fastify()
 * await app.register(jwtKitPlugin, { kit })
 * app.get('/me', { onRequest: (request) => request.jwtVerify() }, async (request) => ({ sub: request.user.sub }))
 *
 * const authorization = `Bearer ${kit.access.sign({ sub: '7' })}`
 * console.log((await app.inject({ url: '/me', headers: { authorization } })).body) // {"sub":"7"}
 * ```
 */
const jwtKitPlugin = fp<JwtKitPluginOptions>(
  async (app, options) => {
    checkOptionNames('the Fastify plugin', options, ['kit', 'kind'])
    checkVersion()
    const parts = kitParts.get(options.kit ?? {})
    if (parts === undefined) throw invalid('Expected `kit` to be a kit', 'Pass what jwtKit returned.')
    const kind = pickKind(parts, options.kind)
    await app.register(fastifyJwt, {
      namespace: NAMESPACE,
      jwtVerify: ENGINE,
      jwtDecode: 'jwtDecode',
      jwtSign: 'jwtSign',
      // Without a private key it cannot sign. It gets the public one only after the kit has accepted the token.
      secret: { public: createKeyFinder(parts, kind) as Secret },
      decode: { complete: true },
      verify: { ignoreExpiration: true, ignoreNotBefore: true, extractToken: bearerToken },
    })
    app.decorateRequest('jwtVerify', createJwtVerify(parts, kind) as FastifyRequest['jwtVerify'])
    const verify = (token: unknown) => kind.verify(token)
    // With a namespace, `app.jwt` is a map. Its decorators become those of the app.
    const decorators = (app as FastifyInstance & { jwt: Record<string, JWT> }).jwt
    Object.assign(decorators, Object.assign(decorators[NAMESPACE] as JWT, { verify }))
  },
  { name: '@auth-primer/jwt-kit', fastify: '5.x' },
)
export default jwtKitPlugin

function checkVersion(): void {
  const version = readVersion()
  if (version === undefined) return
  const found = version.split('.').map(Number)
  const at = OLDEST_FASTIFY_JWT.findIndex((number, index) => found[index] !== number)
  if (at === -1 || (found[at] ?? 0) > (OLDEST_FASTIFY_JWT[at] ?? 0)) return
  const oldest = OLDEST_FASTIFY_JWT.join('.')
  throw invalid(
    `Expected @fastify/jwt ${oldest} or later, got ${version}`,
    `Install @fastify/jwt@^${oldest}.`,
  )
}

function readVersion(): string | undefined {
  try {
    return createRequire(import.meta.url)('@fastify/jwt/package.json').version
  } catch {
    // A bundle has no package.json: its builder has chosen the version.
    return undefined
  }
}

function pickKind({ kinds }: KitParts, name: string | undefined): BoundKind {
  const [first] = kinds.values()
  const kind = name === undefined ? first : kinds.get(name)
  if (kind !== undefined) return kind
  throw invalid('Expected `kind` to be a kind of the kit', `Use one of ${[...kinds.keys()].join(', ')}.`)
}

function createKeyFinder({ context }: KitParts, kind: BoundKind) {
  return async (_request: unknown, decoded: Decoded): Promise<string | Buffer> => {
    // A token that cannot be seen here does not pass.
    await kind.verify(decoded.input && `${decoded.input}.${decoded.signature}`)
    const keys = readRingKeys(context.keys)
    const [only] = keys.values()
    // The kit has accepted the token, so its key is on the ring.
    return exportForFastJwt((keys.get(decoded.header.kid ?? '') ?? only) as RingKey)
  }
}

/** Exports a key in a form that fast-jwt accepts, which is not a KeyObject. */
function exportForFastJwt({ verificationKey }: RingKey): string | Buffer {
  if (verificationKey.type === 'secret') return verificationKey.export()
  return verificationKey.export({ type: 'spki', format: 'pem' }) as string
}

function createJwtVerify({ context }: KitParts, kind: BoundKind) {
  const { verifyRequest, storeClaims } = kind.requests
  const verifyWithEngine = async (request: FastifyRequest, options: VerifyOptions): Promise<JsonObject> => {
    if (context.keys.algorithm === 'Ed25519') {
      throw invalid(
        '`jwtVerify` has no options on a ring of Ed25519',
        'fast-jwt only knows its older name, EdDSA.',
      )
    }
    const engine = (request as unknown as Record<string, JwtVerify>)[ENGINE] as JwtVerify
    // The kit sees the token through its decoding, so the caller cannot choose another form of that.
    const { decode } = options
    const payload = await engine.call(
      request,
      decode === undefined ? options : { ...options, decode: { ...decode, complete: true } },
    )
    const claims = kind.filterClaims(payload as JsonObject)
    storeClaims(request, claims)
    return claims
  }

  return function jwtVerify(this: FastifyRequest, ...args: unknown[]): unknown {
    const callback = typeof args.at(-1) === 'function' ? (args.pop() as VerifyCallback) : undefined
    const options = args[0] as VerifyOptions | undefined
    const verified =
      options === undefined ? verifyRequest(this) : verifyWithEngine(this, options).catch(throwClientError)
    const decorated = verified.then((claims) => {
      // Its type is the service's, which declares it to be the claims of the kind.
      this.user = claims as FastifyRequest['user']
      return claims
    })
    if (callback === undefined) return decorated
    return void decorated.then(
      (claims) => callback(null, claims),
      (error) => callback(error, undefined),
    )
  }
}

function invalid(message: string, hint: string): JwtKitError {
  return new JwtKitError('JWT_KIT_OPTIONS', message, { hint })
}
