import fp from 'fastify-plugin'

/** Which bodies are read: JSON, and nothing else unless a route says so. */
export default fp(async (app) => {
  app.removeContentTypeParser('text/plain')

  // Clients put a content type on a DELETE that has no content.
  app.addHook('onRequest', async ({ method, headers }) => {
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
    if (method === 'DELETE' && !hasBody) delete headers['content-type']
  })
})
