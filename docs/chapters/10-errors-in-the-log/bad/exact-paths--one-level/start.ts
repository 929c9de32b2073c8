import { selfTest } from '@auth-primer/auth-hash'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'

export interface StartOptions {
  /** @default 3000 */
  port?: number
  /** Where the log goes. @default standard output */
  stream?: { write(line: string): void }
  /** Rejects if passwords cannot be hashed. @default the self-test of auth-hash */
  selfTest?: () => Promise<void>
}

/** Starts the service if passwords can be hashed, otherwise rejects. */
export async function start(options: StartOptions = {}): Promise<FastifyInstance> {
  const { port = 3000, stream = process.stdout, selfTest: test = selfTest } = options
  await test()
  const app = Fastify({ logger: { stream, redact: SECRET_PATHS, serializers: { req: describeRequest } } })
  addRoutes(app)
  await app.listen({ port, host: '127.0.0.1' })
  return app
}

const SECRETS = ['password', 'authorization', 'cookie', 'access_token', 'refresh_token']
// The mistake: the second level is missing.
const SECRET_PATHS = SECRETS.flatMap((name) => [name, `*.${name}`])

/** Selects what Fastify logs of a request: without the query string, which can contain a token. */
function describeRequest({ method, url }: FastifyRequest) {
  return { method, url: url.replace(/\?.*/, '') }
}

function addRoutes(app: FastifyInstance): void {
  app.addHook('preHandler', async ({ log, headers, body }) => log.info({ headers, body }, 'what came'))
  app.get('/', async () => ({ message: 'Hello World' }))
  // Nobody has signed up yet, so every login fails.
  app.post('/login', async (_request, reply) => reply.code(403).send({ detail: 'Invalid Credentials' }))
}
