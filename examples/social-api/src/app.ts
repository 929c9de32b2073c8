import guide, { type GuideOptions } from '@auth-primer/tool-guide'
import xray, { publishUnroutable } from '@auth-primer/tool-xray'
import accepts from '@fastify/accepts'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { SERVER_LIMITS } from './limits.ts'
import auth, { type AuthOptions } from './plugins/auth.ts'
import bodies from './plugins/bodies.ts'
import cors, { type CorsOptions } from './plugins/cors.ts'
import database, { type DatabaseOptions } from './plugins/database.ts'
import deadline, { type DeadlineOptions } from './plugins/deadline.ts'
import errors, { answerWithProblem } from './plugins/errors.ts'
import http, { answerClientError } from './plugins/http.ts'
import methods from './plugins/methods.ts'
import metrics, { type MetricsOptions } from './plugins/metrics.ts'
import openapi from './plugins/openapi.ts'
import pressure, { type PressureOptions } from './plugins/pressure.ts'
import refreshTokens, { type RefreshTokenOptions } from './plugins/refresh-tokens.ts'
import requestIds, { requestId } from './plugins/request-id.ts'
import securityHeaders, { type SecurityHeadersOptions } from './plugins/security-headers.ts'
import sqlLog from './plugins/sql-log.ts'
import throttle, { type ThrottleOptions } from './plugins/throttle.ts'
import health from './routes/health.ts'
import login from './routes/login.ts'
import logout from './routes/logout.ts'
import posts from './routes/posts.ts'
import root from './routes/root.ts'
import token from './routes/token.ts'
import users from './routes/users.ts'
import vote from './routes/vote.ts'
import { serializerCompiler } from './serialization.ts'
import { type TrustProxy, trustOf } from './trust-proxy.ts'
import { validatorCompiler } from './validation.ts'
import { xrayOptions } from './xray.ts'

export interface AppOptions
  extends AuthOptions,
    CorsOptions,
    DatabaseOptions,
    DeadlineOptions,
    GuideOptions,
    MetricsOptions,
    PressureOptions,
    RefreshTokenOptions,
    SecurityHeadersOptions,
    ThrottleOptions {
  loggerInstance: FastifyBaseLogger
  /** Whether the welcome page lists the demo data's log-ins. */
  hasDemoData: boolean
  /** X-ray's key. Never set it in production, nor behind a proxy. @default there is no X-ray */
  xrayKey?: string | undefined
  /** Whose `X-Forwarded-For` is believed. @default nobody's */
  trustProxy?: TrustProxy | undefined
}

/** The service, ready to listen: plugins first, what they give is used by the routes. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    ...SERVER_LIMITS,
    loggerInstance: options.loggerInstance,
    genReqId: requestId,
    trustProxy: trustOf(options.trustProxy),
    routerOptions: { ignoreTrailingSlash: true },
    http: { ...SERVER_LIMITS.http, requireHostHeader: false },
    frameworkErrors(error, request, reply) {
      publishUnroutable(request, reply)
      answerWithProblem(error, request, reply)
    },
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  // Before any plugin: one that was registered earlier would keep Fastify's own error handler.
  app.setErrorHandler(answerWithProblem)

  await app.register(database, options)
  if (options.xrayKey !== undefined) await app.register(xray, xrayOptions(app, options.xrayKey, options))
  await app.register(requestIds)
  await app.register(securityHeaders, options)
  await app.register(cors, options)
  await app.register(throttle, options)
  await app.register(errors)
  await app.register(http)
  await app.register(pressure, options)
  await app.register(deadline, options)
  await app.register(methods)
  await app.register(bodies)
  await app.register(openapi)
  await app.register(accepts)
  await app.register(sqlLog)
  await app.register(auth, options)
  await app.register(refreshTokens, options)
  await app.register(metrics, options)

  await app.register(root, options)
  await app.register(users)
  await app.register(login)
  await app.register(token)
  await app.register(logout)
  await app.register(posts)
  await app.register(vote)
  await app.register(health)
  await app.register(guide, options)
  app.refuseOtherMethods()

  return app
}
