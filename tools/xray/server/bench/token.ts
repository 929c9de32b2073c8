import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'

export interface TokenBenchOptions {
  /** Rejects a request without a good token. */
  readonly authenticate: onRequestHookHandler
  /** Signs, for the caller of the request, a token that the service has to refuse for this reason. */
  readonly sign: (flaw: 'expired' | 'other-issuer', request: FastifyRequest) => string
}

/**
 * Tokens that the service has to refuse although their signature is right: a page, which has no key, cannot make them.
 * They are the caller's own, and none was or will be good.
 */
const tokenBench: FastifyPluginAsyncTypebox<TokenBenchOptions> = async (app, { authenticate, sign }) => {
  app.post(
    '/',
    {
      onRequest: authenticate,
      schema: {
        body: Type.Object({ flaw: Type.Union([Type.Literal('expired'), Type.Literal('other-issuer')]) }),
        response: { 200: Type.Object({ token: Type.String() }) },
      },
    },
    async (request) => ({ token: sign(request.body.flaw, request) }),
  )
}

export default tokenBench
