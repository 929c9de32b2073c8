import Fastify from 'fastify'

const app = Fastify({ logger: { level: 'warn' } })

app.get('/', async () => ({ message: 'Hello' }))

// Your API starts here. The task of each stage is a page of the guide: docs/build-your-own/README.md.

await app.listen({ port: Number(process.env.PORT ?? 8000) })
