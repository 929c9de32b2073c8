import accepts from '@fastify/accepts'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { SERVER_LIMITS } from './limits.ts'
import auth, { type AuthOptions } from './plugins/auth.ts'
import bodies from './plugins/bodies.ts'
import database, { type DatabaseOptions } from './plugins/database.ts'
import deadline, { type DeadlineOptions } from './plugins/deadline.ts'
import errors, { answerClientError, answerWithProblem } from './plugins/errors.ts'
import methods from './plugins/methods.ts'
import metrics, { type MetricsOptions } from './plugins/metrics.ts'
import openapi from './plugins/openapi.ts'
import pressure, { type PressureOptions } from './plugins/pressure.ts'
import requestIds, { requestId } from './plugins/request-id.ts'
import securityHeaders, { type SecurityHeadersOptions } from './plugins/security-headers.ts'
import sqlLog from './plugins/sql-log.ts'
import health from './routes/health.ts'
import login from './routes/login.ts'
import posts from './routes/posts.ts'
import root from './routes/root.ts'
import users from './routes/users.ts'
import vote from './routes/vote.ts'
import { validatorCompiler } from './validation.ts'

export interface AppOptions
  extends AuthOptions,
    DatabaseOptions,
    DeadlineOptions,
    MetricsOptions,
    PressureOptions,
    SecurityHeadersOptions {
  loggerInstance: FastifyBaseLogger
  /** Whether the welcome page lists the demo data's log-ins. */
  hasDemoData: boolean
}

/** The service, ready to listen: plugins first, what they give is used by the routes. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    ...SERVER_LIMITS,
    loggerInstance: options.loggerInstance,
    genReqId: requestId,
    routerOptions: { ignoreTrailingSlash: true },
    frameworkErrors: answerWithProblem,
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setValidatorCompiler(validatorCompiler)

  await app.register(requestIds)
  await app.register(securityHeaders, options)
  await app.register(errors)
  await app.register(pressure, options)
  await app.register(deadline, options)
  await app.register(methods)
  await app.register(bodies)
  await app.register(database, options)
  await app.register(openapi)
  await app.register(accepts)
  await app.register(sqlLog)
  await app.register(auth, options)
  await app.register(metrics, options)

  await app.register(root, options)
  await app.register(users)
  await app.register(login)
  await app.register(posts)
  await app.register(vote)
  await app.register(health)
  app.refuseOtherMethods()

  return app
}
