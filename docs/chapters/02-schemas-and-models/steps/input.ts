import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'

const app = Fastify()

// #region input
const properties = { email: Type.String({ format: 'email' }), password: Type.String({ minLength: 8 }) }

app.post('/open', { schema: { body: Type.Object(properties) } }, (request) => request.body)
app.post(
  '/closed',
  { schema: { body: Type.Object(properties, { additionalProperties: false }) } },
  (request) => request.body,
)

const payload = { email: 'eve@example.com', password: 'tomatoes in june', role: 'admin' }
for (const url of ['/open', '/closed']) {
  const { body } = await app.inject({ method: 'POST', url, payload })
  console.log(`${url}: ${body}`)
}

const { body } = await app.inject({ method: 'POST', url: '/closed', payload: { email: 'eve' } })
console.log(body)
// #endregion
