import { createHash } from 'node:crypto'
import { dbSession } from '@auth-primer/db-session'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyRequest } from 'fastify'
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

/** Recognizes the caller in two ways: by a session and by a token. */
export async function buildApp({ databaseUrl, secret, now = Date.now }: AppOptions) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  await app.register(dbSession, { knex, closePools: true })

  const sessions = new Map<string, number>()

  const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
  const keys = keyring('HS256', [{ kid: '1', key: secret }])
  const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access }, now })

  app.post('/login', { schema: { body: Credentials } }, async (request, reply) => {
    const { email, password } = request.body
    const user = await verifyCredentials(request.db, email, password)
    if (user === undefined) return reply.code(403).send({ detail: 'Invalid Credentials' })

    // The mistake: a digest is as easy to guess as what goes into it, here the user and the time.
    const id = createHash('sha256').update(`${user.id}${sessions.size}`).digest('hex')
    sessions.set(id, user.id)
    reply.header('set-cookie', `sid=${id}; HttpOnly; Secure; SameSite=Lax; Path=/`)
    return { access_token: kit.access.sign({ sub: String(user.id) }), token_type: 'bearer' }
  })

  app.get('/session/me', async (request, reply) => {
    const user = sessions.get(sessionId(request))
    if (user === undefined) return reply.code(401).send({ detail: 'Not authenticated' })
    return { user }
  })

  app.get('/token/me', { onRequest: kit.access.guard() }, async (request) => {
    return { user: Number(kit.access.claims(request).sub) }
  })

  app.post('/logout', async (request, reply) => {
    sessions.delete(sessionId(request))
    return reply.code(204).header('set-cookie', 'sid=; Max-Age=0; Path=/').send()
  })

  return app
}

/** Returns the session ID in the cookie; an empty text if there is none. */
function sessionId({ headers }: FastifyRequest): string {
  return /(?:^|; )sid=([^;]*)/.exec(headers.cookie ?? '')?.[1] ?? ''
}
