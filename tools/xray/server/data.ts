import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { Tables } from './tables.ts'

interface DataOptions {
  readonly tables: Tables | undefined
  readonly reset: (() => Promise<void>) | undefined
}

/** `GET /xray/tables?request=<trace>` returns the tables, `POST /xray/reset` resets them. Without their option, they do not exist. */
const data: FastifyPluginAsyncTypebox<DataOptions> = async (app, { tables, reset }) => {
  if (tables) {
    app.addHook('onClose', () => tables.close())
    // A query's values are text.
    const querystring = Type.Object({ request: Type.String({ pattern: '^\\d{1,10}$' }) })
    app.get('/tables', { schema: { querystring } }, async ({ query }) => tables.read(Number(query.request)))
  }
  if (reset)
    app.post('/reset', async (_request, reply) => {
      await reset()
      return reply.code(204).send()
    })
}

export default data
