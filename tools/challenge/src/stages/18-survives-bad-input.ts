import { type Check, expectNoServerError, expectStatus, type Stage } from '../check.ts'
import { NoResponse } from '../http.ts'
import { newPost, PATHS, type RequestOptions } from '../subject.ts'

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
    'text with the character NUL is no server error',
    'POST',
    PATHS.posts,
    { json: { ...newPost(), title: 'a\0b' } },
    'Postgres cannot store NUL in a text. Reject it in the schema, or turn the error into a 422.',
  ],
  [
    'lone-surrogate',
    'half of a character is no server error',
    'POST',
    PATHS.posts,
    { headers: json, body: '{"title":"\\ud800","content":"x"}' },
    '`"\\ud800"` is half of a pair. UTF-8 cannot express it.',
  ],
  [
    'huge-id',
    'an ID that is too large for the column is no server error',
    'GET',
    `${PATHS.posts}/99999999999999999999`,
    {},
    'Give the parameter a maximum: 2147483647 for an integer column.',
  ],
  [
    'strange-id',
    'an ID that is a word is no server error',
    'GET',
    `${PATHS.posts}/tomato`,
    {},
    'Give the parameter the type integer, or the format uuid.',
  ],
  [
    'huge-body',
    'a body of five megabytes is rejected',
    'POST',
    PATHS.posts,
    { json: { ...newPost(), content: 'x'.repeat(5_000_000) } },
    'Bound the size of a body, or the length of the text. Fastify has a bound of 1 MiB by default, Express of 100 kB; FastAPI has none.',
  ],
  [
    'deep-body',
    'a deeply nested body is no server error',
    'POST',
    PATHS.posts,
    { headers: json, body: '['.repeat(50_000) + ']'.repeat(50_000) },
    'Validate the body, and let errors of the parser become a 400.',
  ],
  [
    'broken-path',
    'a path with a broken percent sign is no server error',
    'GET',
    `${PATHS.posts}/%E0%A4%A`,
    {},
    'The router throws an error for it. Let it become a 400.',
  ],
  [
    'prototype-members',
    'members named `__proto__` and `constructor` are no server error',
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
    'Which status comes? A 500 says that your code met something that it did not expect.',
    hint,
    'Anything that a client can send is the client’s mistake: 400, 404, 413 or 422.',
  ],
  async run(subject) {
    const token = await subject.writer()
    const received = await subject.request(method, path, { token, ...options }).catch((error: unknown) => {
      // a server may close the connection while a body that is too large still comes
      if (id === 'huge-body' && error instanceof NoResponse && error.isClosed) return undefined
      throw error
    })
    if (received && id === 'huge-body') expectStatus(received, 413, 422, 400)
    else if (received) expectNoServerError(received)
    // rejects if the server has crashed
    await subject.request('GET', '/')
  },
}))

export const survivesBadInput: Stage = {
  number: '18',
  slug: 'survives-bad-input',
  title: 'Bad input does no harm',
  checks,
}
