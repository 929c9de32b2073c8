import { expectStatus, Failure, NotChecked, type Stage } from '../check.ts'
import type { Received } from '../http.ts'
import { PATHS, type Subject } from '../subject.ts'

const STRANGER = 'https://stranger.example'

export const cors: Stage = {
  number: '17',
  slug: 'cors',
  title: 'Only chosen web pages can read responses with cookies',
  checks: [
    {
      id: 'any-origin-with-credentials',
      title: 'only origins that you have chosen may send cookies',
      hints: [
        'Send a request with the header `Origin: https://stranger.example`. Which `Access-Control-…` headers come back?',
        'Don’t copy every origin into the response together with `Access-Control-Allow-Credentials: true`.',
        'List the origins that you want to allow. `*` is fine for an API without cookies.',
      ],
      async run(subject) {
        for (const received of [await request(subject, STRANGER), await preflight(subject, STRANGER)]) {
          const { headers, sent } = received
          const isMirrored =
            headers['access-control-allow-origin'] === STRANGER ||
            headers['access-control-allow-origin'] === 'null'
          if (isMirrored && headers['access-control-allow-credentials'] === 'true')
            throw new Failure(
              'no permission for an unknown origin to send cookies',
              'the header Access-Control-Allow-Credentials: true for any origin',
              sent,
            )
        }
      },
    },
    {
      id: 'own-origin-refused',
      title: 'pages from your own origin may call the API',
      hints: [
        'Send the browser’s preflight request: OPTIONS with `Origin` and `Access-Control-Request-Method: DELETE`.',
        'Allow the origin, the methods GET, POST, PUT and DELETE, and the Authorization header.',
        'Fastify: `@fastify/cors` with `origin` and `methods`. FastAPI: `CORSMiddleware`. Express: `cors`.',
      ],
      async run(subject) {
        const { origin } = subject.options
        if (origin === undefined)
          throw new NotChecked('Pass `--origin` with an origin whose pages may call the server.')
        const allowed = (received: Received, name: string, value: string) => {
          const list = String(received.headers[name] ?? '')
            .toLowerCase()
            .split(/\s*,\s*/)
          // the Fetch standard excludes Authorization from *
          const allowsAny = list.includes('*') && value !== 'authorization'
          if (!allowsAny && !list.includes(value.toLowerCase()))
            throw new Failure(
              `the header ${name} to include ${value}`,
              list[0] ? list.join(', ') : 'no such header',
              received.sent,
            )
        }
        allowed(await request(subject, origin), 'access-control-allow-origin', origin)
        const received = expectStatus(await preflight(subject, origin), 200, 204)
        allowed(received, 'access-control-allow-origin', origin)
        allowed(received, 'access-control-allow-methods', 'DELETE')
        allowed(received, 'access-control-allow-headers', 'authorization')
      },
    },
  ],
}

function request(subject: Subject, origin: string): Promise<Received> {
  return subject.request('GET', '/', { headers: { origin } })
}

function preflight(subject: Subject, origin: string): Promise<Received> {
  const headers = {
    origin,
    'access-control-request-method': 'DELETE',
    'access-control-request-headers': 'authorization,content-type',
  }
  return subject.request('OPTIONS', `${PATHS.posts}/1`, { headers })
}
