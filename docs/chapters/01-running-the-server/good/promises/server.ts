import Fastify from 'fastify'

const level = process.env.LOG_LEVEL ?? 'info'
const app = Fastify({ logger: { level } })

/** With a reply instead of a returned value, and without `await`. */
app.route({
  method: 'GET',
  url: '/',
  handler: (request, reply) => {
    request.log.debug({ from: request.ip }, 'saying hello')
    reply.send({ message: 'Hello World' })
  },
})

app
  .listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  .then((address) => app.log.debug(`listening on ${address}`))
