import { dbSession } from '@auth-primer/db-session'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyRequest } from 'fastify'
import knexModule from 'knex'
import { verifyCredentials } from '../credentials.ts'

export interface AppOptions {
  readonly databaseUrl: string
  /** Signs the tokens. Every process of the service has the same one. */
  readonly secret: string
  /** The clock, in milliseconds since 1970. */
  readonly now?: () => number
}

const Credentials = Type.Object({ email: Type.String(), password: Type.String() })

/** Recognizes the caller in two ways: by a session and by a token. */
export async function buildApp({ databaseUrl, secret, now = Date.now }: AppOptions) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  await app.register(dbSession, { knex, closePools: true })

  // Your turn: create a store for sessions, and a kit from `secret` and `now`.

  app.post('/login', { schema: { body: Credentials } }, async (request, reply) => {
    const { email, password } = request.body
    const user = await verifyCredentials(request.db, email, password)
    if (user === undefined) return reply.code(403).send({ detail: 'Invalid Credentials' })

    // Your turn: start a session, send its ID in a cookie, and return a token.
    const known = `user ${user.id}, ${secret.length} characters, ${new Date(now()).toISOString()}`
    throw new Error(`Starting a session and issuing a token is not implemented yet: ${known}`)
  })

  // Your turn: return `{ user }` with the user's ID for a caller that you recognize, and 401 otherwise.
  app.get('/session/me', async (request, reply) => reply.code(401).send({ session: sessionId(request) }))
  app.get('/token/me', async (_request, reply) => reply.code(401).send())

  // Your turn: end the session.
  app.post('/logout', async (_request, reply) => reply.code(204).send())

  return app
}

/** Returns the session ID in the cookie; an empty text if there is none. */
function sessionId({ headers }: FastifyRequest): string {
  return /(?:^|; )sid=([^;]*)/.exec(headers.cookie ?? '')?.[1] ?? ''
}
