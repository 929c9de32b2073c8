import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { chapter, type Hints } from '../../check/chapter.ts'
import { buildApp } from './parts/index.ts'

const ADA = { email: 'ada@example.com', password: 'tomatoes in june' }
const APP = 'https://app.example.com'
const ADMIN = 'https://admin.example.com'

/** The hints for a part that is not connected. */
const connect = (name: string, chapterNumber: string, how: string): Hints => [
  `Which of your plugins defines the route? Look for \`${name}\` in \`parts/index.ts\`.`,
  `Register \`${name}\`, which was built in chapter ${chapterNumber}.`,
  how,
]

const ORDER: Hints = [
  'In what order does your service register its plugins?',
  'A hook applies only to routes that are registered after it. Without `fastify-plugin`, a plugin’s hooks apply only inside that plugin. Register CORS before the parts.',
  'Register `fp(async (app) => app.register(cors, { origin }))` as one of the first plugins.',
]

await chapter(import.meta.url, async ({ load, database, check, expectation, atEnd }) => {
  const { buildService } = await load<typeof import('./solution/service.ts')>('service.ts', 'buildService')
  const { knex, url } = await database({ tables: 'votes' })
  const secret = randomBytes(32).toString('base64url')
  const env = { DATABASE_URL: url, JWT_SECRET: secret, CORS_ORIGINS: `${APP},${ADMIN}` }
  // Its tokens are those of any process with the same secret.
  const other = await buildApp({ databaseUrl: url, secret })
  atEnd(() => other.close())
  let app: FastifyInstance
  let token = ''

  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'OPTIONS',
    path: string,
    body?: object | string,
    headers = {},
  ) => {
    const response = await app.inject({ method, url: path, headers, ...(body && { body }) })
    const { statusCode: status, body: text } = response
    return {
      status,
      text,
      headers: response.headers,
      json: parse(text),
      shown: `It returned ${status}: ${text}`,
    }
  }
  const asAda = () => ({ authorization: `Bearer ${token}` })
  /** Expects that a part has the route. */
  const connected = async (
    mistake: string,
    hints: Hints,
    status: number,
    ...request: Parameters<typeof send>
  ) => {
    const response = await send(...request)
    await expectation(mistake, hints, () =>
      assert.equal(
        response.status,
        status,
        `${request[0]} ${request[1]} must return ${status}. ${response.shown}`,
      ),
    )
    return response
  }

  await check(
    'not-connected',
    'a user signs up, logs in, writes a post, votes, and finds the post in the list',
    [
      'Which routes does your service have?',
      'Pass the parts to `buildApp`, after the options.',
      '`buildApp({ databaseUrl, secret: jwtSecret }, users, …)`',
    ],
    async () => {
      app = await buildService(env)
      atEnd(() => app.close())
      await app.ready()
      const signUp = connect('users', '05', '`buildApp({ databaseUrl, secret: jwtSecret }, users, …)`')
      await connected('no-sign-up', signUp, 201, 'POST', '/users', ADA)

      const hasher = connect(
        'login',
        '09',
        '`async (app) => app.register(login, { hasher: createHasher() })`',
      )
      const form = `${new URLSearchParams({ username: ADA.email, password: ADA.password })}`
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      const { json } = await connected('no-login', hasher, 200, 'POST', '/login', form, type)
      token = json?.access_token

      const post = { title: 'Tomatoes', content: 'They grow.' }
      const byOwner = connect('posts', '11', '`posts` needs no options: pass it to `buildApp`.')
      const { json: created } = await connected('no-posts', byOwner, 201, 'POST', '/posts', post, asAda())
      const voting = connect('vote', '12', '`vote` needs no options: pass it to `buildApp`.')
      await connected('no-vote', voting, 201, 'POST', '/vote', { post_id: created?.id }, asAda())
      const paging = connect('postList', '13', '`postList` needs no options: pass it to `buildApp`.')
      const { json: list } = await connected(
        'no-list',
        paging,
        200,
        'GET',
        '/posts?search=Tom',
        undefined,
        asAda(),
      )
      assert.equal(list?.[0]?.votes, 1, 'The list must contain the post with its vote.')
    },
  )

  await check(
    'settings-unchecked',
    'the settings come from the environment variables, and invalid settings are rejected',
    [
      'What does `buildService({})` do?',
      '`readSettings` from chapter 05a throws an error if a setting is invalid. Let that error propagate, and use the settings that the function returns.',
      '`const { databaseUrl, jwtSecret } = readSettings(env)` as the first line.',
    ],
    async () => {
      for (const wrong of [{}, { ...env, JWT_SECRET: 'short' }, { ...env, DATABASE_URL: 'mysql://x' }]) {
        const built = await buildService(wrong).catch(() => undefined)
        await built?.close()
        assert.ok(built === undefined, 'buildService() must reject variables that readSettings() rejects.')
      }
      await expectation(
        'own-secret',
        [
          'Which secret does your service use to sign its tokens? Does a second process use the same one?',
          'Pass the secret from the settings to `buildApp`.',
          '`buildApp({ databaseUrl, secret: jwtSecret }, …)`',
        ],
        async () => {
          const { status } = await send('GET', '/posts', undefined, {
            authorization: `Bearer ${other.issueToken({ id: 1 })}`,
          })
          assert.equal(
            status,
            200,
            'A token that another process signed with the same JWT_SECRET must be accepted.',
          )
          const foreign = await buildApp({ databaseUrl: url, secret: randomBytes(32).toString('base64url') })
          const forged = foreign.issueToken({ id: 1 })
          await foreign.close()
          const refused = await send('GET', '/posts', undefined, { authorization: `Bearer ${forged}` })
          assert.ok(
            refused.status >= 400,
            'A token that was signed with a different secret must be rejected.',
          )
        },
      )
    },
  )

  await check(
    'no-detail',
    'every error has the right status and a `detail`, and a 500 does not reveal its cause',
    [
      'Compare the bodies of a 401, a 404 and a 400. Which properties do they have?',
      'Let one error handler for the whole service turn every error into `{ detail }` and keep its status. Unknown routes need a handler of their own.',
      '`app.setErrorHandler((error, request, reply) => reply.code(error.statusCode ?? 500).send({ detail: … }))`, and `app.setNotFoundHandler(…)`.',
    ],
    async () => {
      await knex.schema.renameTable('votes', 'ballots')
      const failed = await send('GET', '/posts', undefined, asAda())
      await knex.schema.renameTable('ballots', 'votes')
      const errors = [
        [401, await send('GET', '/posts')],
        [404, await send('GET', '/posts/1000', undefined, asAda())],
        [404, await send('GET', '/nothing')],
        [400, await send('POST', '/users', { email: 'ada' })],
        [409, await send('POST', '/users', ADA)],
        [422, await send('GET', '/posts?limit=0', undefined, asAda())],
        [500, failed],
      ] as const
      await expectation(
        'status-lost',
        [
          'Which status did your error handler send, and which one did the error have?',
          'An error has its status in `statusCode`. Only an error without one becomes a 500.',
          '`const { statusCode = 500 } = error`, then `reply.code(statusCode)`.',
        ],
        () =>
          assert.deepEqual(
            errors.map(([, { status }]) => status),
            errors.map(([status]) => status),
            'Seven errors must return the expected statuses.',
          ),
      )
      for (const [, { json, shown }] of errors)
        assert.ok(
          typeof json?.detail === 'string' && json.detail !== '',
          `An error must have a \`detail\` that is a non-empty string. ${shown}`,
        )
      await expectation(
        'error-reveals',
        [
          'Trigger a 500. What does the body reveal about your code and your database?',
          'The message of a 5xx error belongs in the log. The client gets the same sentence every time.',
          "`const detail = statusCode >= 500 ? 'Something went wrong' : error.message`",
        ],
        () =>
          assert.ok(
            !/SQLSTATE|votes|relation|select|stack|DB_SESSION/i.test(failed.text),
            `A 500 must not reveal its cause. ${failed.shown}`,
          ),
      )
    },
  )

  await check(
    'no-cors',
    'web pages from the origins in CORS_ORIGINS may read every response, and other pages may read none',
    [
      'Send a request with the header `origin: https://app.example.com`. Which headers does the response have?',
      'Register `@fastify/cors` with the origins from `CORS_ORIGINS`, which are separated by commas.',
      "`app.register(cors, { origin: env.CORS_ORIGINS?.split(',') ?? [] })`",
    ],
    async () => {
      const allowed = async (origin: string, headers = {}) =>
        (await send('GET', '/posts', undefined, { origin, ...headers })).headers[
          'access-control-allow-origin'
        ]
      const preflight = await send('OPTIONS', '/posts/1', undefined, {
        origin: APP,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'authorization,content-type',
      })
      const [app1, app2] = [await allowed(APP, asAda()), await allowed(ADMIN, asAda())]
      await expectation('cors-late', ORDER, async () => {
        const { 'access-control-allow-origin': unknownRoute } = (
          await send('GET', '/health-of-nothing', undefined, { origin: APP })
        ).headers
        // Some responses have the header and others do not: it is registered, but not for all.
        const some = [
          app1,
          await allowed(APP),
          unknownRoute,
          preflight.headers['access-control-allow-origin'],
        ]
        const isEverywhere = some.every((header) => header === some[0])
        assert.ok(
          isEverywhere,
          'Only some of these four responses have the `access-control-allow-origin` header: a GET with a token, a GET without one, an unknown route and a preflight.',
        )
      })
      assert.deepEqual(
        [app1, app2],
        [APP, ADMIN],
        'For each of the two origins, the `access-control-allow-origin` header must name that origin.',
      )
      await expectation(
        'any-origin',
        [
          'Which origins may read your service’s responses?',
          'Allow only the origins in `CORS_ORIGINS`, and none if the variable is not set.',
          "`origin: env.CORS_ORIGINS?.split(',') ?? []`. Never use `true` or `'*'`.",
        ],
        async () => {
          const header = await allowed('https://evil.example.net', asAda())
          assert.ok(
            header !== 'https://evil.example.net' && header !== '*',
            'A page from any origin may read the responses.',
          )
          const { CORS_ORIGINS: _, ...without } = env
          const closed = await buildService(without)
          const response = await closed.inject({ url: '/posts', headers: { origin: APP } })
          await closed.close()
          assert.equal(
            response.headers['access-control-allow-origin'],
            undefined,
            'Without CORS_ORIGINS, no origin may read the responses.',
          )
        },
      )
      await expectation(
        'no-put',
        [
          'A page wants to send PUT /posts/1. Which methods does the preflight response allow?',
          'By default, `@fastify/cors` allows only GET, HEAD and POST.',
          "`methods: ['GET', 'POST', 'PUT']`",
        ],
        () => {
          assert.ok(preflight.status < 300, `The preflight for PUT /posts/1 must succeed. ${preflight.shown}`)
          assert.match(
            `${preflight.headers['access-control-allow-methods']}`,
            /PUT/,
            'The `access-control-allow-methods` header must include PUT.',
          )
        },
      )
    },
  )
})

// biome-ignore lint/suspicious/noExplicitAny: the response of an attempt can be anything
function parse(text: string): any {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
