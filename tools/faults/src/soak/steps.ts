import { deepEqual } from 'node:assert/strict'
import type { Visitor } from './visitor.ts'

/** The steps of visitors, with their frequency in percent. `post` is the id of a post that is not deleted. */
export const STEPS: readonly (readonly [
  times: number,
  step: (visitor: Visitor, post: number) => Promise<unknown>,
])[] = [
  [14, (visitor, post) => visitor.ask('GET /posts', 200, { query: `?limit=10&skip=${post % 50}` })],
  [5, (visitor, post) => visitor.ask('GET /posts', 200, { query: `?search=${post}` })],
  [15, (visitor, id) => visitor.ask('GET /posts/{id}', 200, { id })],
  [12, write],
  [10, vote],
  [6, (visitor) => visitor.ask('GET /users/me', 200)],
  [6, (visitor) => visitor.ask('GET /users/{id}', 200, { id: visitor.id })],
  [4, (visitor) => visitor.ask('GET /', 200, { token: undefined })],
  [2, (visitor) => visitor.ask('GET /ready', 200, { token: undefined })],
  [2, (visitor) => visitor.logIn()],
  [5, (visitor) => visitor.refresh()],
  [1, logOut],
  // Requests that are rejected.
  [2, (visitor) => visitor.ask('GET /posts', 401, { token: undefined })],
  [2, (visitor) => visitor.ask('GET /posts', 401, { token: `${visitor.token}x` })],
  [2, (visitor) => visitor.ask('GET /posts/{id}', 404, { id: 2 ** 31 - 1 })],
  [2, (visitor) => visitor.ask('POST /posts', 422, { json: { title: '', content: 1 } })],
  [2, (visitor) => visitor.ask('GET /posts', 422, { query: '?limit=0' })],
  [1, (visitor) => visitor.ask('POST /login', 403, { json: { username: visitor.email, password: 'wrong' } })],
  [1, (visitor) => visitor.ask('POST /token/refresh', 401, { json: { refresh_token: 'unknown' } })],
  // Disconnects: before the response, in the middle of a body, and in a queue.
  [2, (visitor) => visitor.disconnect('GET /posts', {}, '')],
  [2, (visitor) => visitor.disconnect('POST /posts', { json: { title: 'a', content: 'b' } }, '{"title":')],
  [2, disconnectDuringLogin],
]

/** Writes a post, and immediately reads it. */
async function write(visitor: Visitor): Promise<void> {
  const json = { title: `by ${visitor.email}`, content: 'x'.repeat(500), published: false }
  const { id } = await visitor.ask('POST /posts', 201, { json })
  const { Post: read } = await visitor.ask('GET /posts/{id}', 200, { id })
  deepEqual({ title: read.title, content: read.content, published: read.published }, json)
  await visitor.ask('PUT /posts/{id}', 200, { id, json: { ...json, title: 'another' } })
  deepEqual((await visitor.ask('GET /posts/{id}', 200, { id })).Post.title, 'another')
  await visitor.ask('DELETE /posts/{id}', 204, { id })
  await visitor.ask('GET /posts/{id}', 404, { id })
}

async function vote(visitor: Visitor, post_id: number): Promise<void> {
  await visitor.ask('POST /vote', 201, { json: { post_id, dir: 1 } })
  await visitor.ask('POST /vote', 409, { json: { post_id, dir: 1 } })
  await visitor.ask('POST /vote', 201, { json: { post_id, dir: 0 } })
}

async function logOut(visitor: Visitor): Promise<void> {
  await visitor.ask('POST /logout', 204, { json: { refresh_token: visitor.refreshToken } })
  await visitor.ask('POST /token/refresh', 401, { json: { refresh_token: visitor.refreshToken } })
  await visitor.logIn()
}

async function disconnectDuringLogin(visitor: Visitor): Promise<void> {
  const json = { username: visitor.email, password: 'not sent to the end' }
  await visitor.disconnect('POST /login', { json }, JSON.stringify(json))
}
