import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { BODY, problems, WRITE } from '../schemas/problem.ts'
import { RefreshIn } from '../schemas/token.ts'

const logout: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/logout',
    {
      schema: {
        operationId: 'logout',
        tags: ['Authentication'],
        summary: 'Log out',
        description:
          'No further token comes of this log-in. Its last access token is good until it expires: of those no list is kept.',
        body: RefreshIn,
        response: { 204: Type.Null({ description: 'Logged out.' }), ...problems(...BODY, ...WRITE) },
      },
    },
    async (request, reply) => {
      await app.refreshTokens.end(request.db, request.body.refresh_token)
      return reply.code(204).send(null)
    },
  )
}

export default logout
