import Fastify, { type FastifyServerOptions } from 'fastify'

// #region ask
/** Logs what came with one request, with these options of the logger. */
async function ask(logger: FastifyServerOptions['logger'] & object): Promise<void> {
  // Without time, process and host, to be shorter here.
  const app = Fastify({ logger: { ...logger, stream: process.stdout, base: null, timestamp: false } })
  app.addHook('preHandler', async ({ log, headers, body }) =>
    log.info({ token: headers.authorization, body }, 'what came'),
  )
  app.post('/login', (_request, reply) => reply.code(403).send())
  await app.inject({
    method: 'POST',
    url: '/login?access_token=eyJhbGciOiJI',
    headers: { authorization: 'Bearer eyJhbGciOiJI' },
    body: { username: 'ada@example.com', password: 'tomatoes in june' },
  })
}
// #endregion

// #region twice
await ask({})
console.log('---')
await ask({
  redact: ['token', '*.password'],
  serializers: { req: ({ method, url }) => ({ method, url: url.replace(/\?.*/, '') }) },
})
// #endregion
