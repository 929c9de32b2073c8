import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'

export interface TokenBenchOptions {
  /** Rejects a request without a good token. */
  readonly authenticate: onRequestHookHandler
  /** Signs, for the caller of the request, a token that the service must reject for this reason. */
  readonly sign: (flaw: 'expired' | 'other-issuer', request: FastifyRequest) => string
}

/**
 * Signs tokens that the service must reject although their signature is right: the page has no key, so it cannot make them.
 * They belong to the caller, and were never valid.
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
