import { randomBytes } from 'node:crypto'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { userWith } from '../../users.ts'

export interface Settings {
  /** Signs the tokens. Every process of the service has the same one. */
  secret: string
  /** The clock, in milliseconds since 1970. */
  now?: () => number
}

/** Recognizes the caller in two ways: by a session and by a token. */
export function buildApp({ now = Date.now }: Settings): FastifyInstance {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const credentials = Type.Object({ email: Type.String(), password: Type.String() })

  const sessions = new Map<string, string>()

  const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
  // The mistake: each process creates its own key, so it accepts only its own tokens, and only until it restarts.
  const keys = keyring('HS256', [{ kid: '1', key: randomBytes(32) }])
  const kit = jwtKit({ issuer: 'chapter-06', keys, kinds: { access }, now })

  app.post('/login', { schema: { body: credentials } }, async (request, reply) => {
    const user = await userWith(request.body.email, request.body.password)
    if (user === undefined) return reply.code(403).send({ detail: 'Invalid Credentials' })

    const id = randomBytes(32).toString('base64url')
    sessions.set(id, user)
    reply.header('set-cookie', `sid=${id}; HttpOnly; Secure; SameSite=Lax; Path=/`)
    return { access_token: kit.access.sign({ sub: user }), token_type: 'bearer' }
  })

  app.get('/session/me', async (request, reply) => {
    const user = sessions.get(sessionId(request))
    if (user === undefined) return reply.code(401).send({ detail: 'Not authenticated' })
    return { user }
  })

  app.get('/token/me', { onRequest: kit.access.guard() }, async (request) => {
    return { user: kit.access.claims(request).sub }
  })

  app.post('/logout', async (request, reply) => {
    sessions.delete(sessionId(request))
    return reply.code(204).header('set-cookie', 'sid=; Max-Age=0; Path=/').send()
  })

  return app
}

function sessionId({ headers }: FastifyRequest): string {
  return /(?:^|; )sid=([^;]*)/.exec(headers.cookie ?? '')?.[1] ?? ''
}
