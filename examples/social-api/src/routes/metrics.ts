import type { FastifyPluginAsync } from 'fastify'
import type { Registry } from 'prom-client'

/** What Prometheus reads. It is not for the service's clients, so it is served on a port of its own. */
const metrics: FastifyPluginAsync<{ registry: Registry }> = async (app, { registry }) => {
  app.get('/metrics', async (_request, reply) => {
    return reply.type(registry.contentType).send(await registry.metrics())
  })
}

export default metrics
