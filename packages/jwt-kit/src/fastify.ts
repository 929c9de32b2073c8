import type { FastifyJWTOptions, JWT } from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { bearerToken } from './bearer.ts'
import type { KitContext } from './context.ts'
import { material } from './engine.ts'
import { JwtKitError } from './errors.ts'
import { answer } from './guard.ts'
import { keysOf } from './keyring.ts'
import type { KindParts } from './kit-kind.ts'
import type { JsonObject } from './strict-json.ts'

/** What may be given when the plugin is registered. */
export interface KitPluginOptions {
  /** The kind of token that `request.jwtVerify()` and `app.jwt.verify()` take. @default the first of the kit */
  readonly kind?: string
}

/** A plugin for `app.register`. */
export type KitPlugin = (app: object, options: KitPluginOptions) => Promise<void>

/** The names under which `@fastify/jwt`'s own are kept. */
const [NAMESPACE, ENGINE] = ['jwtKit', 'jwtKitEngineVerify'] as const

type Secret = Extract<FastifyJWTOptions['secret'], (...args: never[]) => unknown>

/** A token as fast-jwt takes it apart. */
interface Decoded {
  readonly header: { readonly kid?: string }
  readonly input?: string
  readonly signature?: string
}

type VerifierCallback = (problem: unknown, claims: unknown) => void

interface VerifyOptions {
  readonly decode?: object
}

type JwtVerify = (this: FastifyRequest, options: VerifyOptions | undefined) => Promise<unknown>

/**
 * Makes the plugin that puts `@fastify/jwt` on an app such that nothing verifies more loosely than the kit: whichever of its
 * functions is called, and with which options, the kit is asked first, and fast-jwt can only refuse more after that. Nothing
 * signs but the kit.
 *
 * `@fastify/jwt` is loaded when the plugin is registered: who only signs and verifies needs no Fastify.
 */
export function createPlugin(context: KitContext, kinds: ReadonlyMap<string, KindParts>): KitPlugin {
  const plugin = async (app: FastifyInstance, options: KitPluginOptions) => {
    const kind = pick(kinds, options.kind)
    const { default: fastifyJwt } = await import('@fastify/jwt')
    await app.register(fastifyJwt, {
      namespace: NAMESPACE,
      jwtVerify: ENGINE,
      jwtDecode: 'jwtDecode',
      jwtSign: 'jwtSign',
      // Without a private half it cannot sign; and it learns the public one only after the kit has accepted the token.
      secret: { public: createKeyFinder(context, kind) as Secret },
      decode: { complete: true },
      verify: {
        algorithms: [context.keys.algorithm],
        ignoreExpiration: true,
        ignoreNotBefore: true,
        extractToken: bearerToken,
      },
    })
    app.decorateRequest('jwtVerify', createJwtVerify(kind))
    const verify = (token: unknown) => kind.verify(token)
    const own = Object.assign(app.jwt[NAMESPACE as never] as JWT, { verify })
    Object.assign(app.jwt, own)
  }
  return fp(plugin, { name: '@auth-primer/jwt-kit', fastify: '5.x' }) as unknown as KitPlugin
}

function pick(kinds: ReadonlyMap<string, KindParts>, name: string | undefined): KindParts {
  const [first] = kinds.values()
  const kind = name === undefined ? first : kinds.get(name)
  if (kind !== undefined) return kind
  throw new JwtKitError('JWT_KIT_OPTIONS', 'Expected `kind` to be a kind of the kit', {
    hint: `Use one of ${[...kinds.keys()].join(', ')}.`,
  })
}

function createKeyFinder(context: KitContext, kind: KindParts) {
  const keys = keysOf(context.keys)
  return async (_request: unknown, decoded: Decoded): Promise<string | Buffer> => {
    // A token that cannot be seen here does not pass.
    await kind.verify(decoded.input && `${decoded.input}.${decoded.signature}`)
    const [only] = keys.values()
    return material((keys.get(decoded.header.kid ?? '') ?? only) as NonNullable<typeof only>, 'verifies')
  }
}

function createJwtVerify(kind: KindParts) {
  return function jwtVerify(this: FastifyRequest, ...args: unknown[]): unknown {
    const callback = typeof args.at(-1) === 'function' ? (args.pop() as VerifierCallback) : undefined
    const engine = (this as unknown as Record<string, JwtVerify>)[ENGINE] as JwtVerify
    const verified = engine.call(this, unhide(args[0] as VerifyOptions | undefined)).then((payload) => {
      const claims = kind.present(payload as JsonObject)
      kind.requests.admit(this, claims)
      return Object.assign(this, { user: claims }).user
    })
    const answered = verified.catch(answer)
    if (callback === undefined) return answered
    return void answered.then(
      (claims) => callback(null, claims),
      (problem) => callback(problem, undefined),
    )
  }
}

// The token is seen by way of its decoding, so the caller cannot have another form of that.
function unhide(options: VerifyOptions | undefined): VerifyOptions | undefined {
  return options?.decode ? { ...options, decode: { ...options.decode, complete: true } } : options
}
