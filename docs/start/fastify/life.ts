import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'

const app = Fastify()

// #region hooks
app.addHook('onRequest', async () => console.log('1 onRequest: nothing is parsed yet'))
app.addHook('preParsing', async () => console.log('2 preParsing: the body is about to be read'))
app.addHook('preValidation', async ({ body }) => console.log('3 preValidation:', body))
app.addHook('preHandler', async ({ body }) => console.log('4 preHandler:', body))

const schema = { body: Type.Object({ title: Type.String(), draft: Type.Boolean({ default: true }) }) }

app.post('/posts', { schema }, async ({ body }) => {
  console.log('5 the handler:', body)
  return { id: 7 }
})

app.addHook('preSerialization', async (_request, _reply, payload) => {
  console.log('6 preSerialization:', payload)
  return payload
})
app.addHook('onSend', async (_request, _reply, payload) => {
  console.log('7 onSend:', payload)
  return payload
})
app.addHook('onResponse', async (_request, { statusCode }) => console.log('8 onResponse:', statusCode))
app.addHook('onError', async (_request, _reply, { message }) => console.log('! onError:', message))

await app.inject({ method: 'POST', url: '/posts', body: { title: 'Tomatoes' } })
console.log()
await app.inject({ method: 'POST', url: '/posts', body: {} })
// #endregion
