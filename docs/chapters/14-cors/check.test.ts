import assert from 'node:assert/strict'
import type { LightMyRequestResponse } from 'fastify'
import { chapter } from '../../check/chapter.ts'

const FRIENDS = ['https://app.example.com', 'http://localhost:5173'] as const
const [FRIEND] = FRIENDS
const STRANGER = 'https://stranger.example'

await chapter(import.meta.url, async ({ load, claim, atEnd }) => {
  const { build } = await load<typeof import('./solution/app.ts')>('app.ts')
  const app = await build(FRIENDS)
  atEnd(() => app.close())

  const get = (origin: string) => app.inject({ url: '/posts', headers: { origin, cookie: 'session=1' } })

  /** Asks as a browser does before a page of that origin may send such a request. */
  const preflight = async (origin: string, method: string, header = 'content-type') => {
    const answer = await app.inject({
      method: 'OPTIONS',
      url: '/posts/1',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': header,
      },
    })
    return passes(answer, origin, method, header)
  }

  await claim(
    'no-headers',
    'a page of a friend may read the answers',
    [
      'By which header does an answer say whose pages may read it? Step 1 shows it.',
      'Register `@fastify/cors` before the routes, and tell it the origins.',
      '`await app.register(cors, { origin: [...corsOrigins] })`',
    ],
    async () => {
      for (const origin of FRIENDS) {
        const answer = await get(origin)
        assert.equal(answer.statusCode, 200, 'GET /posts does not answer.')
        const allowed = answer.headers['access-control-allow-origin']
        assert.ok(
          allowed === origin || allowed === '*',
          `Access-Control-Allow-Origin is ${allowed ?? 'missing'} for a page of ${origin}, which is in the list.`,
        )
      }
    },
  )

  await claim(
    'star-with-credentials',
    'its cookie may come along, and never with `*`',
    [
      'Whoever asks is known by a cookie. What does a browser want to see before it shows such an answer to the page?',
      "With `credentials: true` the answer names one origin, and a browser refuses `*`. What does `build(['*'])` do?",
      "`origin: [...corsOrigins], credentials: true`, and `if (corsOrigins.includes('*')) throw new Error(…)`.",
    ],
    async () => {
      const { headers } = await get(FRIEND)
      assert.equal(headers['access-control-allow-credentials'], 'true', 'The cookie is not allowed for.')
      assert.equal(
        headers['access-control-allow-origin'],
        FRIEND,
        'With a cookie, the answer names the page’s origin.',
      )
      const open = await (async () => build(['*']))().catch(() => undefined)
      if (open === undefined) return
      atEnd(() => open.close())
      const answer = await open.inject({ url: '/posts', headers: { origin: STRANGER } })
      assert.ok(
        answer.headers['access-control-allow-origin'] === undefined ||
          answer.headers['access-control-allow-credentials'] === undefined,
        "`build(['*'])` was taken, and lets everybody in with a cookie: it should be refused.",
      )
    },
  )

  await claim(
    'any-origin',
    'a preflight from a stranger fails, and a page of theirs reads nothing',
    [
      'Who may read, if any origin is sent back to the page it came from?',
      '`true` and a function that says yes to all are `*` with another name. Compare with the list.',
      '`@fastify/cors` compares by itself: `origin: [...corsOrigins]`.',
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

  await claim(
    'part-of-a-name',
    'an origin that only looks like a friend is a stranger',
    [
      'An origin is scheme, host and port. Which of them do you compare?',
      'Compare the whole: `includes`, `endsWith` and a regular expression without `^` and `$` find friends in strangers.',
      '`origin: [...corsOrigins]`: the strings of a list are compared as a whole.',
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
        assert.ok(!isAllowed((await get(origin)).headers, origin), `${origin} is taken for a friend.`)
    },
  )

  await claim(
    'default-methods',
    'a preflight from a friend passes, for all that the API does',
    [
      'The API deletes as well. What does the preflight say of that?',
      '`@fastify/cors` allows GET, HEAD and POST, if it is told nothing else.',
      "`methods: ['GET', 'HEAD', 'POST', 'DELETE']`",
    ],
    async () => {
      for (const method of ['POST', 'DELETE'])
        assert.ok(await preflight(FRIEND, method), `The preflight for ${method} does not pass.`)
    },
  )

  await claim(
    'no-vary',
    'a cache keeps the answers to two origins apart',
    [
      'A cache keeps an answer to a stranger. What may it give a friend who asks next?',
      'Where an answer depends on a header of the request, it says so in `Vary`.',
      "Leave it to `@fastify/cors`, or `reply.header('vary', 'Origin')`, to strangers as well.",
    ],
    async () => {
      for (const origin of [FRIEND, STRANGER]) {
        const { headers } = await get(origin)
        assert.match(
          String(headers.vary),
          /\borigin\b|\*/i,
          `Vary does not name Origin in the answer to ${origin}.`,
        )
      }
    },
  )
})

type Headers = LightMyRequestResponse['headers']

/** Whether a browser shows an answer to a page that sent its cookie along (Fetch, "CORS check"). */
function isAllowed(headers: Headers, origin: string): boolean {
  return (
    headers['access-control-allow-origin'] === origin &&
    headers['access-control-allow-credentials'] === 'true'
  )
}

/** Whether a browser sends the request after that answer to its preflight (Fetch, "CORS-preflight fetch"). */
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
