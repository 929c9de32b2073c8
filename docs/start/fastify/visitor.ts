// #region visitor
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyRequest {
    visitor: string
  }
}

/** Reads the name of the sender from the header `x-user`. A real service needs a proof: see chapter 06. */
export const visitor = fp(async (app) => {
  app.decorateRequest('visitor', '')

  app.addHook('onRequest', async (request, reply) => {
    const user = request.headers['x-user']
    if (typeof user !== 'string') return reply.code(401).send({ detail: 'Who are you?' })
    request.visitor = user
  })
})
// #endregion
