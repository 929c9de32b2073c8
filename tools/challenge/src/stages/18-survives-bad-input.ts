import { type Check, expectNoServerError, expectStatus, Failure, type Stage } from '../check.ts'
import { NoResponse, type Received, type Sent } from '../http.ts'
import { findPost, newPost, PATHS, pathOf, type RequestOptions, type Subject } from '../subject.ts'

type Bad = readonly [
  id: string,
  title: string,
  method: string,
  path: string,
  options: RequestOptions,
  hint: string,
]

const json = { 'content-type': 'application/json' }
const inputs: readonly Bad[] = [
  [
    'nul-character',
    'text with a NUL character does not cause a server error',
    'POST',
    PATHS.posts,
    { json: { ...newPost(), title: 'a\0b' } },
    'Postgres can’t store NUL in text. Reject it in the schema, or turn the error into a 422.',
  ],
  [
    'lone-surrogate',
    'half of a character does not cause a server error',
    'POST',
    PATHS.posts,
    { headers: json, body: '{"title":"\\ud800","content":"x"}' },
    '`"\\ud800"` is half of a surrogate pair, which UTF-8 can’t represent. Reject it.',
  ],
  [
    'huge-id',
    'an ID that is too large for the column does not cause a server error',
    'GET',
    `${PATHS.posts}/99999999999999999999`,
    {},
    'Give the parameter a maximum: 2147483647 for an integer column.',
  ],
  [
    'strange-id',
    'an ID that is a word does not cause a server error',
    'GET',
    `${PATHS.posts}/tomato`,
    {},
    'Give the parameter the type integer, or the format uuid.',
  ],
  [
    'huge-body',
    'a five-megabyte body is rejected',
    'POST',
    PATHS.posts,
    { json: { ...newPost(), content: 'x'.repeat(5_000_000) } },
    'Limit the size of the body or the length of the text. By default, Fastify’s limit is 1 MiB and Express’s is 100 kB. FastAPI has none.',
  ],
  [
    'deep-body',
    'a deeply nested body does not cause a server error',
    'POST',
    PATHS.posts,
    { headers: json, body: '['.repeat(50_000) + ']'.repeat(50_000) },
    'Validate the body, and turn parser errors into a 400.',
  ],
  [
    'broken-path',
    'a path with an invalid percent encoding does not cause a server error',
    'GET',
    `${PATHS.posts}/%E0%A4%A`,
    {},
    'The router throws an error for such a path. Turn that error into a 400.',
  ],
  [
    'prototype-members',
    'members named `__proto__` and `constructor` do not cause a server error',
    'POST',
    PATHS.posts,
    {
      headers: json,
      body: '{"title":"x","content":"x","__proto__":{"a":1},"constructor":{"prototype":{"a":1}}}',
    },
    'Drop or reject unknown members.',
  ],
]

const checks: Check[] = inputs.map(([id, title, method, path, options, hint]) => ({
  id,
  title,
  hints: [
    'What status do you get? A 500 means that your code ran into something unexpected.',
    hint,
    'Bad input is the client’s mistake, so reply with 400, 404, 413 or 422.',
  ],
  async run(subject) {
    const token = await subject.writer()
    const received = await subject.request(method, path, { token, ...options }).catch((error: unknown) => {
      // a server may close the connection while a body that is too large still comes
      if (id === 'huge-body' && error instanceof NoResponse && error.isClosed) return undefined
      throw error
    })
    const sent = subject.lastSent as Sent
    if (received && id === 'huge-body') {
      await removePost(subject, received, token)
      expectStatus(received, 413, 422, 400)
    } else if (received) expectNoServerError(received)
    await subject.request('GET', '/').catch((error: unknown) => {
      if (!(error instanceof NoResponse)) throw error
      throw new Failure(
        'a server that still responds',
        `no response to GET / after this: ${error.message}`,
        sent,
        true,
      )
    })
  },
}))

/** Deletes the post if the server has stored it: five megabytes would be in every list. */
async function removePost(
  subject: Subject,
  { status, json }: Received,
  token: string | undefined,
): Promise<void> {
  if (status >= 300 || typeof json !== 'object' || json === null) return
  const { id } = findPost({ ...json })
  if (typeof id === 'number' || typeof id === 'string') await subject.request('DELETE', pathOf(id), { token })
}

export const survivesBadInput: Stage = {
  number: '18',
  slug: 'survives-bad-input',
  title: 'Bad input does no harm',
  checks,
}
