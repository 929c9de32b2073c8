import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { userWith } from '../users.ts'

export interface Settings {
  /** The same in each process of the service. */
  secret: string
  /** The clock, in milliseconds since the epoch. */
  now?: () => number
}

/** Knows who is asking in two ways: by a session, and by a token. */
export function buildApp({ secret, now = Date.now }: Settings): FastifyInstance {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const credentials = Type.Object({ email: Type.String(), password: Type.String() })

  // Yours to make: a store of sessions, and a kit of `secret` and `now`.

  app.post('/login', { schema: { body: credentials } }, async (request, reply) => {
    const user = await userWith(request.body.email, request.body.password)
    if (user === undefined) return reply.code(403).send({ detail: 'Invalid Credentials' })

    // Yours to write: begin a session, whose id goes into a cookie, and issue a token.
    const known = `The secret has ${secret.length} characters, and it is ${new Date(now()).toISOString()}.`
    throw new Error(`Nobody begins a session for user ${user} yet, or issues a token. ${known}`)
  })

  // Yours to write: `{ user }` for who is known, 401 for everybody else.
  app.get('/session/me', async (request, reply) => reply.code(401).send({ session: sessionId(request) }))
  app.get('/token/me', async (_request, reply) => reply.code(401).send())

  // Yours to write: end the session.
  app.post('/logout', async (_request, reply) => reply.code(204).send())

  return app
}

function sessionId({ headers }: FastifyRequest): string {
  return /(?:^|; )sid=([^;]*)/.exec(headers.cookie ?? '')?.[1] ?? ''
}
