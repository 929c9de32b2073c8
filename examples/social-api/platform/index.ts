/** Protects the features: each file of this folder handles one problem of requests, in the order of registration. */
import type { FastifyBaseLogger, FastifyInstance, FastifyServerOptions } from 'fastify'
import { type CorsConfig, registerCors } from './cors.ts'
import { type DatabaseConfig, registerDatabase } from './database.ts'
import { sendProblem } from './errors.ts'
import { type HeadersConfig, registerHeaders } from './headers.ts'
import { ROUTER_OPTIONS, registerHttp, replaceBrokenTarget, SERVER_LIMITS, sendClientError } from './http.ts'
import { createRequestId, registerSqlLog } from './logging.ts'
import { type MetricsConfig, registerMetrics } from './metrics.ts'
import { registerOpenapi } from './openapi.ts'
import { type OverloadConfig, registerOverload } from './overload.ts'
import { registerProblemResponses } from './problem-responses.ts'
import { type RateLimitConfig, registerRateLimit } from './rate-limit.ts'
import { AJV, registerValidation } from './validation.ts'

type FileConfigs = CorsConfig &
  DatabaseConfig &
  HeadersConfig &
  MetricsConfig &
  OverloadConfig &
  RateLimitConfig

export interface PlatformConfig extends FileConfigs {
  readonly loggerInstance: FastifyBaseLogger
  /** The number of proxies in front of the service, or their addresses. @default no `X-Forwarded-For` is trusted */
  readonly trustProxy?: number | string | undefined
}

/** Returns the options that `Fastify()` needs before anything is registered. */
export function createServerOptions({ loggerInstance, trustProxy }: PlatformConfig) {
  return {
    ...SERVER_LIMITS,
    loggerInstance,
    genReqId: createRequestId,
    // Fastify 5.12 trusts nobody if this is a number. Set one only if clients cannot bypass the proxies.
    trustProxy:
      typeof trustProxy === 'number'
        ? (_address: string, hop: number) => hop < trustProxy
        : (trustProxy ?? false),
    routerOptions: ROUTER_OPTIONS,
    ajv: AJV,
    rewriteUrl: replaceBrokenTarget,
    frameworkErrors: sendProblem,
    clientErrorHandler: sendClientError,
  } satisfies FastifyServerOptions
}

/** Registers all of it. `observe` registers plugins that must see every request, even one that the platform rejects. */
export async function registerPlatform(
  app: FastifyInstance,
  config: PlatformConfig,
  observe: () => Promise<void>,
): Promise<void> {
  app.setErrorHandler(sendProblem)
  await registerDatabase(app, config)
  await observe()
  await registerHeaders(app, config)
  await registerCors(app, config)
  await registerRateLimit(app, config)
  registerHttp(app)
  await registerOverload(app, config)
  registerValidation(app)
  registerSqlLog(app)
  registerProblemResponses(app)
  await registerOpenapi(app)
  registerMetrics(app, config)
}
