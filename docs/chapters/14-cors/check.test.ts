import assert from 'node:assert/strict'
import type { LightMyRequestResponse } from 'fastify'
import { chapter, type Hints } from '../../check/chapter.ts'

const FRIENDS = ['https://app.example.com', 'http://localhost:5173'] as const
const [FRIEND] = FRIENDS
const STRANGER = 'https://stranger.example'

const HINTS = {
  wholeList: [
    'Look at the `Access-Control-Allow-Origin` header of a response. How many origins does it contain?',
    'The header must contain a single value: the origin of the page that sent the request, if that origin is in the list.',
    'Compare `request.headers.origin` with the list, or let `@fastify/cors` do it: `origin: [...corsOrigins]`.',
  ],
  firstOnly: [
    'Two origins are in the list. Which one appears in your responses?',
    'The header contains the origin of the page that sent the request, so its value differs from request to request.',
    'Pass the whole list: `origin: [...corsOrigins]`. `@fastify/cors` responds with the origin that sent the request.',
  ],
  noCredentials: [
    'The API identifies users by a cookie. Which second header does a browser require for cookies?',
    'Besides the origin, the response must also allow credentials.',
    '`await app.register(cors, { origin: [...corsOrigins], credentials: true })`',
  ],
  starInTheList: [
    "The check calls `build(['*'])`, the list that the course uses. What does your `build` do with it?",
    'With cookies, `*` would allow every page on the web. A service with such a configuration should not start.',
    "`if (corsOrigins.includes('*')) throw new Error('Expected a list of origins')`, at the start of `build`.",
  ],
  openPreflight: [
    'Your GET route compares the origin with the list. Does your OPTIONS response do the same?',
    'A preflight that passes for every origin lets every page send a DELETE with its visitor’s cookie.',
    'Set the headers for both in the same function. `@fastify/cors` does that: register it once, with `origin: [...corsOrigins]`.',
  ],
  nullOrigin: [
    'A sandboxed frame has the origin `null`, and anyone can create such a frame. Does your list contain `null`?',
    'Treat `null` as an origin that is not in the list.',
    'Compare the `Origin` header with the list as a string, and allow nothing else.',
  ],
  noPreflight: [
    'Before a DELETE, a browser sends an OPTIONS request. How does your API respond?',
    'A route handles only its own method. The response to OPTIONS must come from `@fastify/cors`, or from your own hook or route.',
    'Register `@fastify/cors` on `app` itself, before the routes. To do it by hand, reply with 204 and the headers in an `onRequest` hook.',
  ],
  noContentType: [
    'A page sends `content-type: application/json` with its body. Does the preflight response list that header?',
    'By default, `@fastify/cors` allows the headers that the page asks for. `allowedHeaders` overrides that.',
    "Omit `allowedHeaders`, or add `'content-type'` to it. With cookies, `*` isn't a wildcard.",
  ],
} as const satisfies Record<string, Hints>

await chapter(import.meta.url, async ({ load, check, expectation, atEnd }) => {
  const { build } = await load<typeof import('./solution/app.ts')>('app.ts')
  const app = await build(FRIENDS)
  atEnd(() => app.close())

  const get = (origin: string) => app.inject({ url: '/posts', headers: { origin, cookie: 'session=1' } })

  /** Sends the preflight of a request with a body of JSON. */
  const askBefore = (origin: string, method: string) =>
    app.inject({
      method: 'OPTIONS',
      url: method === 'POST' ? '/posts' : '/posts/1',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type',
      },
    })

  /** Returns true if a browser would let a page of that origin send such a request. */
  const preflight = async (origin: string, method: string) =>
    passes(await askBefore(origin, method), origin, method)

  await check(
    'no-headers',
    'a page from an allowed origin may read the responses',
    [
      'Which response header names the pages that may read the response? Step 1 shows it.',
      'Register `@fastify/cors` with the origins, on `app` itself: a plugin doesn’t affect routes outside its scope.',
      '`await app.register(cors, { origin: [...corsOrigins] })`',
    ],
    async () => {
      for (const origin of FRIENDS) {
        const response = await get(origin)
        assert.equal(response.statusCode, 200, 'GET /posts returned an unexpected status.')
        const allowed = response.headers['access-control-allow-origin']
        await expectation('whole-list', HINTS.wholeList, () =>
          assert.ok(
            !String(allowed).includes(','),
            `Access-Control-Allow-Origin contains several origins: ${allowed}. A browser accepts only one.`,
          ),
        )
        await expectation('first-only', HINTS.firstOnly, () =>
          assert.ok(
            origin === FRIEND || allowed !== FRIEND,
            `A page from ${origin} got a response that only ${FRIEND} may read.`,
          ),
        )
        assert.ok(
          allowed === origin || allowed === '*',
          `Access-Control-Allow-Origin is ${allowed ?? 'missing'} for a page from ${origin}, which is in the list.`,
        )
      }
    },
  )

  await check(
    'star-with-credentials',
    'the page may send its cookie, and `*` is never combined with cookies',
    [
      'The API identifies users by a cookie. What does a browser require before it lets the page read such a response?',
      'With `credentials: true`, the response must name one origin, because browsers reject `*`.',
      'Use `origin: [...corsOrigins], credentials: true`. `@fastify/cors` looks in this list for the origin that sent the request.',
    ],
    async () => {
      const { headers } = await get(FRIEND)
      await expectation('no-credentials', HINTS.noCredentials, () =>
        assert.equal(
          headers['access-control-allow-credentials'],
          'true',
          'Access-Control-Allow-Credentials does not allow the cookie.',
        ),
      )
      assert.equal(
        headers['access-control-allow-origin'],
        FRIEND,
        'With a cookie, the response must name the page’s origin.',
      )
      await expectation('star-in-the-list', HINTS.starInTheList, async () => {
        const open = await (async () => build(['*']))().catch(() => undefined)
        if (open === undefined) return
        atEnd(() => open.close())
        const response = await open.inject({ url: '/posts', headers: { origin: STRANGER } })
        assert.ok(
          response.headers['access-control-allow-origin'] === undefined ||
            response.headers['access-control-allow-credentials'] === undefined,
          "`build(['*'])` succeeded and allows every origin with a cookie. It should throw an error.",
        )
      })
    },
  )

  await check(
    'any-origin',
    'the preflight for any other origin fails, and its pages cannot read the responses',
    [
      'Which pages may read the response if the API copies every origin into the header?',
      '`origin: true` has the same effect as `*`, and so does a function that accepts every origin. Compare the origin with the list.',
      '`@fastify/cors` does the comparison for you: `origin: [...corsOrigins]`.',
    ],
    async () => {
      const { headers } = await get(STRANGER)
      assert.ok(
        !isAllowed(headers, STRANGER),
        `A page from ${STRANGER} may read the posts with its visitor’s cookie.`,
      )
      await expectation('open-preflight', HINTS.openPreflight, async () =>
        assert.ok(!(await preflight(STRANGER, 'DELETE')), `A page from ${STRANGER} may delete posts.`),
      )
    },
  )

  await check(
    'part-of-a-name',
    'an origin that only resembles an allowed one is rejected',
    [
      'An origin consists of a scheme, a host and a port. Which of these do you compare?',
      'Compare the whole origin. `endsWith`, `includes` on a string, and a regular expression without `^` and `$` accept other origins, too.',
      '`origin: [...corsOrigins]`: `@fastify/cors` compares each string in the list as a whole.',
    ],
    async () => {
      await expectation('null-origin', HINTS.nullOrigin, async () =>
        assert.ok(
          !isAllowed((await get('null')).headers, 'null'),
          'A page with the origin `null` may read the responses.',
        ),
      )
      for (const origin of [
        'http://app.example.com',
        'https://app.example.com:8443',
        'https://app.example.com.stranger.example',
        'https://not-app.example.com',
        'https://other.app.example.com',
        'https://example.com',
        'https://appxexample.com',
      ]) {
        assert.ok(
          !isAllowed((await get(origin)).headers, origin),
          `A page from ${origin} may read the responses, but this origin is not in the list.`,
        )
        assert.ok(!(await preflight(origin, 'DELETE')), `A page from ${origin} may delete posts.`)
      }
    },
  )

  await check(
    'default-methods',
    'the preflight for an allowed origin succeeds for every method of the API',
    [
      'The API also has a DELETE route. Does the preflight response list that method?',
      'By default, `@fastify/cors` allows only GET, HEAD and POST.',
      "`methods: ['GET', 'HEAD', 'POST', 'DELETE']`",
    ],
    async () => {
      for (const method of ['POST', 'DELETE']) {
        const { statusCode, headers } = await askBefore(FRIEND, method)
        await expectation('no-preflight', HINTS.noPreflight, () =>
          assert.ok(
            statusCode >= 200 && statusCode < 300 && isAllowed(headers, FRIEND),
            `The preflight for ${method} returned the status ${statusCode}${
              isAllowed(headers, FRIEND)
                ? ''
                : ', without the two headers that allow the origin and its cookie'
            }.`,
          ),
        )
        await expectation('no-content-type', HINTS.noContentType, () =>
          assert.ok(
            allows(headers, 'access-control-allow-headers', 'content-type'),
            'The preflight response does not allow the Content-Type header, which every JSON body needs.',
          ),
        )
        assert.ok(
          await preflight(FRIEND, method),
          `The preflight response for ${method} lists only these methods: ${headers['access-control-allow-methods'] ?? 'none'}.`,
        )
      }
    },
  )

  await check(
    'no-vary',
    'a cache stores separate responses for different origins',
    [
      'A cache stores the response for another origin. What does an allowed page get if it sends the next request?',
      'If a response depends on a request header, it must name that header in `Vary`.',
      "`@fastify/cors` does it for you. To do it by hand, call `reply.header('vary', 'Origin')`, even in responses to other origins.",
    ],
    async () => {
      for (const origin of [FRIEND, STRANGER]) {
        const { headers } = await get(origin)
        assert.ok(
          /\borigin\b|\*/i.test(String(headers.vary)),
          `The Vary header does not name Origin in the response to ${origin}.`,
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
function passes({ statusCode, headers }: LightMyRequestResponse, origin: string, method: string): boolean {
  return (
    statusCode >= 200 &&
    statusCode < 300 &&
    isAllowed(headers, origin) &&
    (method === 'POST' || allows(headers, 'access-control-allow-methods', method)) &&
    allows(headers, 'access-control-allow-headers', 'content-type')
  )
}

/** Returns true if a list in a header has the value. In a request with a cookie, `*` is not a wildcard. */
function allows(headers: Headers, name: string, value: string): boolean {
  const list = String(headers[name] ?? '').toLowerCase()
  return list.split(/ *, */).includes(value.toLowerCase())
}
