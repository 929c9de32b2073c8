import { randomBytes } from 'node:crypto'
import { dbSession } from '@auth-primer/db-session'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyRequest } from 'fastify'
import { jwtVerify, SignJWT } from 'jose'
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

/** With the package jose, and tokens of a quarter of an hour. */
export async function buildApp({ databaseUrl, secret, now = Date.now }: AppOptions) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  await app.register(dbSession, { knex, closePools: true })

  const sessions = new Map<string, { user: number; since: number }>()
  const key = new TextEncoder().encode(secret)
  const start = () => new Date(now())

  app.post('/login', { schema: { body: Credentials } }, async (request, reply) => {
    const { email, password } = request.body
    const user = await verifyCredentials(request.db, email, password)
    if (user === undefined) return reply.code(403).send({ detail: 'Invalid Credentials' })

    const sid = randomBytes(24).toString('hex')
    sessions.set(sid, { user: user.id, since: now() })
    reply.header(
      'set-cookie',
      [`sid=${sid}`, 'HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/', 'Max-Age=86400'].join('; '),
    )
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(String(user.id))
      .setIssuedAt(start())
      .setExpirationTime(new Date(now() + 15 * 60_000))
      .sign(key)
    return reply.send({ access_token: token, token_type: 'bearer', user: user.id })
  })

  app.get('/session/me', async (request, reply) => {
    const session = sessions.get(sessionId(request))
    if (!session) return reply.status(401).send({ detail: 'Not authenticated' })
    return { user: session.user }
  })

  app.get('/token/me', async (request, reply) => {
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ')
    if (scheme !== 'Bearer') return reply.status(401).send({ detail: 'Not authenticated' })
    try {
      const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], currentDate: start() })
      return { user: payload.sub }
    } catch {
      return reply.status(401).send({ detail: 'Not authenticated' })
    }
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
