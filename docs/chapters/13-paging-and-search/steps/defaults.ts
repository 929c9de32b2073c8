import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'

// #region defaults
const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
const Query = Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 100, default: 10 }) })
app.get('/', { schema: { querystring: Query } }, ({ query }) => query)

for (const limit of ['5', '101', 'ten', '1e1', '0x10']) {
  const { statusCode, body } = await app.inject(`/?limit=${limit}`)
  console.log(limit, statusCode, body)
}
// #endregion
