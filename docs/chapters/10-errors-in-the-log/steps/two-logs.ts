import Fastify, { type FastifyServerOptions } from 'fastify'

// #region ask
/** Sends one request to an app whose logger has these options. */
async function ask(logger: FastifyServerOptions['logger'] & object): Promise<void> {
  // Leaves out the time, process and host to keep the output short.
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
