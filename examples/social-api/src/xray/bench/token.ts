import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { accessKit } from '../../access-kit.ts'
import type { AuthOptions } from '../../plugins/auth.ts'

const A_DAY_MS = 24 * 60 * 60 * 1000

/**
 * Tokens that the service has to refuse although their signature is right: a page, which has no key, cannot make them.
 * They are the caller's own, and none was or will be good.
 */
const tokenBench: FastifyPluginAsyncTypebox<AuthOptions> = async (app, options) => {
  const kits = {
    expired: accessKit(options, { now: () => Date.now() - 365 * A_DAY_MS }),
    'other-issuer': accessKit(options, { issuer: 'another-service' }),
  }

  app.post(
    '/',
    {
      onRequest: app.authenticate,
      schema: {
        body: Type.Object({ flaw: Type.Union([Type.Literal('expired'), Type.Literal('other-issuer')]) }),
        response: { 200: Type.Object({ token: Type.String() }) },
      },
    },
    async ({ caller, body }) => {
      const { id, role } = caller
      return { token: kits[body.flaw].access.sign({ sub: String(id), user_id: id, role }) }
    },
  )
}

export default tokenBench
