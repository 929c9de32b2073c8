import { randomUUID } from 'node:crypto'
import { dbSession } from '@auth-primer/db-session'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyRequest } from 'fastify'
import jwt from 'jsonwebtoken'
import knexModule from 'knex'
import { verifyCredentials } from '../../credentials.ts'

export interface AppOptions {
  readonly databaseUrl: string
  /** Signs the tokens. Every process of the service has the same one. */
  readonly secret: string
  /** The clock, in milliseconds since 1970. */
  readonly now?: () => number
}

const Credentials = Type.Object({ email: Type.String(), password: Type.String() })

/** With the package jsonwebtoken, which many services use. */
export async function buildApp({ databaseUrl, secret, now = Date.now }: AppOptions) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  await app.register(dbSession, { knex, closePools: true })

  const sessions: Record<string, number> = {}
  const seconds = () => Math.floor(now() / 1000)

  app.post('/login', { schema: { body: Credentials } }, async (request, reply) => {
    const { email, password } = request.body
    const user = await verifyCredentials(request.db, email, password)
    if (user === undefined) return reply.code(403).send({ detail: 'Invalid Credentials' })

    const id = randomUUID()
    sessions[id] = user.id
    reply.header('Set-Cookie', `sid=${id}; Path=/; HttpOnly; Secure; SameSite=Strict`)
    const claims = { sub: String(user.id), iat: seconds(), exp: seconds() + 1800 }
    return { access_token: jwt.sign(claims, secret, { algorithm: 'HS256' }), token_type: 'bearer' }
  })

  app.get('/session/me', async (request, reply) => {
    const user = sessions[sessionId(request)]
    return user ? { user } : reply.code(401).send({ detail: 'Not authenticated' })
  })

  app.get('/token/me', async (request, reply) => {
    try {
      const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
      const { sub } = jwt.verify(token, secret, { algorithms: ['HS256'], clockTimestamp: seconds() })
      return { user: Number(sub) }
    } catch {
      return reply.code(401).send({ detail: 'Not authenticated' })
    }
  })

  app.post('/logout', async (request, reply) => {
    delete sessions[sessionId(request)]
    return reply.code(204).send()
  })

  return app
}

/** Returns the session ID in the cookie; an empty text if there is none. */
function sessionId({ headers }: FastifyRequest): string {
  return /(?:^|; )sid=([^;]*)/.exec(headers.cookie ?? '')?.[1] ?? ''
}
