import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'

const app = Fastify({ logger: { level: 'warn' } }).withTypeProvider<TypeBoxTypeProvider>()

app.get('/', async () => ({ message: 'Hello' }))

// Your API starts here. The task of each stage is a page of the guide: docs/build-your-own/README.md.

await app.listen({ port: Number(process.env.PORT ?? 8000) })
