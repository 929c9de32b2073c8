import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'

const app = Fastify()

// #region output
const UserOut = Type.Object({ id: Type.Integer(), email: Type.String() })
const row = { id: 1, email: 'ada@example.com', password: '$2b$12$…', role: 'user' }

app.get('/without', () => row)
app.get('/with', { schema: { response: { 200: UserOut } } }, () => row)
app.post('/elsewhere', { schema: { response: { 200: UserOut } } }, (_, reply) =>
  // @ts-expect-error: the compiler reports that 201 has no schema
  reply.code(201).send(row),
)

console.log('without a schema:           ', (await app.inject('/without')).body)
console.log('with a schema for 200:      ', (await app.inject('/with')).body)
console.log('status 201, schema for 200: ', (await app.inject({ method: 'POST', url: '/elsewhere' })).body)
// #endregion
