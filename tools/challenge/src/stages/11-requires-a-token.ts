import { type Check, expectStatus, type Stage } from '../check.ts'
import { newPost, PATHS, pathOf, type RequestOptions, type Subject } from '../subject.ts'

const HINTS = [
  'Which code checks the `Authorization` header before your handler runs?',
  'Check the token in one place, for all routes that need it: a hook, a dependency or a middleware.',
  'Fastify: `onRequest`. FastAPI: `Depends(get_current_user)`. Express: `router.use(authenticate)`.',
] as const

const withoutToken: readonly [id: string, title: string, options: (token: string) => RequestOptions][] = [
  ['no-token', 'a post cannot be written without a token', () => ({})],
  [
    'garbage-token',
    'text that is not a token is rejected',
    () => ({ token: 'tomato', credentials: 'with the token “tomato”' }),
  ],
  [
    'other-scheme',
    'a valid token with another scheme is rejected',
    (token) => ({
      headers: { authorization: `Basic ${token}` },
      credentials: 'with a token and the scheme Basic',
    }),
  ],
  [
    'empty-token',
    'an empty token is rejected',
    () => ({ headers: { authorization: 'Bearer ' }, credentials: 'with an empty token' }),
  ],
]

const checks: Check[] = withoutToken.map(([id, title, options]) => ({
  id,
  title,
  hints: HINTS,
  async run(subject) {
    const { token } = await subject.author('ada')
    const post = await subject.needPost({}, token)
    const request = (method: string, path: string, json?: object) =>
      subject.request(method, path, { ...options(token), ...(json && { json }) })
    expectStatus(await request('POST', PATHS.posts, newPost()), 401, 403, 400)
    expectStatus(await request('PUT', pathOf(post.id), newPost()), 401, 403, 400)
    expectStatus(await request('DELETE', pathOf(post.id)), 401, 403, 400)
  },
}))

export const requiresAToken: Stage = {
  number: '11',
  slug: 'requires-a-token',
  title: 'Writing needs a token',
  checks: [
    {
      id: 'token-accepted',
      title: 'a post can be written with the token from a login',
      hints: [
        'Log in, and send the token as `Authorization: Bearer <token>`. What status do you get?',
        'Verify the token with the secret and the algorithm that it was signed with.',
        'Does the header’s value begin with `Bearer `? Remove these seven characters before you verify the rest.',
      ],
      async run(subject: Subject) {
        const { token } = await subject.account('ada')
        expectStatus(await subject.request('POST', PATHS.posts, { token, json: newPost() }), 201, 200)
      },
    },
    ...checks,
  ],
}
