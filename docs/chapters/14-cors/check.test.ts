import assert from 'node:assert/strict'
import type { LightMyRequestResponse } from 'fastify'
import { chapter } from '../../check/chapter.ts'

const FRIENDS = ['https://app.example.com', 'http://localhost:5173'] as const
const [FRIEND] = FRIENDS
const STRANGER = 'https://stranger.example'

await chapter(import.meta.url, async ({ load, check, atEnd }) => {
  const { build } = await load<typeof import('./solution/app.ts')>('app.ts')
  const app = await build(FRIENDS)
  atEnd(() => app.close())

  const get = (origin: string) => app.inject({ url: '/posts', headers: { origin, cookie: 'session=1' } })

  /** Returns true if a browser would let a page of that origin send such a request. */
  const preflight = async (origin: string, method: string, header = 'content-type') => {
    const response = await app.inject({
      method: 'OPTIONS',
      url: '/posts/1',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': header,
      },
    })
    return passes(response, origin, method, header)
  }

  await check(
    'no-headers',
    'a page of an allowed origin may read the responses',
    [
      'Which header of a response names the pages that may read it? Step 1 shows it.',
      'Register `@fastify/cors` before the routes, with the origins.',
      '`await app.register(cors, { origin: [...corsOrigins] })`',
    ],
    async () => {
      for (const origin of FRIENDS) {
        const response = await get(origin)
        assert.equal(response.statusCode, 200, 'GET /posts got an unexpected status.')
        const allowed = response.headers['access-control-allow-origin']
        assert.ok(
          allowed === origin || allowed === '*',
          `Access-Control-Allow-Origin is ${allowed ?? 'missing'} for a page of ${origin}, which is in the list.`,
        )
      }
    },
  )

  await check(
    'star-with-credentials',
    'it may send its cookie, and `*` is never combined with cookies',
    [
      'The API recognizes users by a cookie. What does a browser require before it gives such a response to the page?',
      "With `credentials: true`, the response must name one origin, because browsers reject `*`. What does your `build(['*'])` do?",
      "`origin: [...corsOrigins], credentials: true`, and `if (corsOrigins.includes('*')) throw new Error(…)`.",
    ],
    async () => {
      const { headers } = await get(FRIEND)
      assert.equal(
        headers['access-control-allow-credentials'],
        'true',
        'Access-Control-Allow-Credentials does not allow the cookie.',
      )
      assert.equal(
        headers['access-control-allow-origin'],
        FRIEND,
        'With a cookie, the response must name the origin of the page.',
      )
      const open = await (async () => build(['*']))().catch(() => undefined)
      if (open === undefined) return
      atEnd(() => open.close())
      const response = await open.inject({ url: '/posts', headers: { origin: STRANGER } })
      assert.ok(
        response.headers['access-control-allow-origin'] === undefined ||
          response.headers['access-control-allow-credentials'] === undefined,
        "`build(['*'])` succeeded and allows every origin with a cookie. It should throw an error.",
      )
    },
  )

  await check(
    'any-origin',
    'the preflight of another origin fails, and its pages read nothing',
    [
      'Which pages may read the response if the API sends every origin back?',
      '`origin: true`, or a function that accepts every origin, means the same as `*`. Compare with the list.',
      '`@fastify/cors` compares for you: `origin: [...corsOrigins]`.',
    ],
    async () => {
      const { headers } = await get(STRANGER)
      assert.ok(
        !isAllowed(headers, STRANGER),
        `A page of ${STRANGER} may read the posts with your visitor’s cookie.`,
      )
      assert.ok(!(await preflight(STRANGER, 'DELETE')), `A page of ${STRANGER} may delete posts.`)
    },
  )

  await check(
    'part-of-a-name',
    'an origin that only looks like an allowed one is not allowed',
    [
      'An origin is a scheme, a host and a port. Which of these do you compare?',
      'Compare the whole origin. `endsWith`, `includes` on a string, and a regular expression without `^` and `$` accept other origins, too.',
      '`origin: [...corsOrigins]`: `@fastify/cors` compares the strings of a list as a whole.',
    ],
    async () => {
      for (const origin of [
        'http://app.example.com',
        'https://app.example.com:8443',
        'https://app.example.com.stranger.example',
        'https://not-app.example.com',
        'https://appxexample.com',
        'null',
      ])
        assert.ok(
          !isAllowed((await get(origin)).headers, origin),
          `A page of ${origin} may read the responses, but it is not in the list.`,
        )
    },
  )

  await check(
    'default-methods',
    'the preflight of an allowed origin passes for every method of the API',
    [
      'The API also has a DELETE. Does the response to the preflight list it?',
      'By default, `@fastify/cors` allows only GET, HEAD and POST.',
      "`methods: ['GET', 'HEAD', 'POST', 'DELETE']`",
    ],
    async () => {
      for (const method of ['POST', 'DELETE'])
        assert.ok(await preflight(FRIEND, method), `The preflight for ${method} does not pass.`)
    },
  )

  await check(
    'no-vary',
    'a cache keeps the responses to two origins apart',
    [
      'A cache stores the response to another origin. What does an allowed page get if it asks next?',
      'If a response depends on a header of the request, it must name that header in `Vary`.',
      "`@fastify/cors` does it for you. By hand: `reply.header('vary', 'Origin')`, also in responses to other origins.",
    ],
    async () => {
      for (const origin of [FRIEND, STRANGER]) {
        const { headers } = await get(origin)
        assert.match(
          String(headers.vary),
          /\borigin\b|\*/i,
          `Vary does not name Origin in the response to ${origin}.`,
        )
      }
    },
  )
})

type Headers = LightMyRequestResponse['headers']

/** Returns true if a browser gives the response to a page that sent its cookie (Fetch standard, "CORS check"). */
function isAllowed(headers: Headers, origin: string): boolean {
  return (
    headers['access-control-allow-origin'] === origin &&
    headers['access-control-allow-credentials'] === 'true'
  )
}

/** Returns true if a browser sends the request after this response to its preflight (Fetch standard, "CORS-preflight fetch"). */
function passes(
  { statusCode, headers }: LightMyRequestResponse,
  origin: string,
  method: string,
  header: string,
) {
  const listed = (name: string) =>
    String(headers[name] ?? '')
      .toLowerCase()
      .split(/ *, */)
  return (
    statusCode >= 200 &&
    statusCode < 300 &&
    isAllowed(headers, origin) &&
    (method === 'POST' || listed('access-control-allow-methods').includes(method.toLowerCase())) &&
    listed('access-control-allow-headers').includes(header)
  )
}
