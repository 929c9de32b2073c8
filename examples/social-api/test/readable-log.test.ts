import { ReadableLog } from '@auth-primer/tool-terminal'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { createLogger } from '../platform/logging.ts'

let text = ''
let onWrite = () => {}
const output = {
  write(chunk: string) {
    text += chunk
    onWrite()
  },
}
const loggerInstance = createLogger({ level: 'debug', destination: new ReadableLog(output) })
const { app, call, signUp } = await serve(t, { loggerInstance })
const ann = await signUp('ann@example.com')
const { body: post } = await call('POST', '/posts', { token: ann.token, json: { title: 'a', content: 'b' } })

/** Sends a request, and returns what the log prints about it. */
async function print(...[method, path, options]: Parameters<typeof call>): Promise<string> {
  // A request is logged after its response.
  await waitFor(/^POST \/posts 201/m)
  const before = text.length
  await call(method, path, options)
  await waitFor(new RegExp(`^${method} ${path.replace(/\?.*/, '')} \\d{3} `, 'm'), before)
  return text.slice(before)
}

async function waitFor(pattern: RegExp, from = 0): Promise<void> {
  while (!pattern.test(text.slice(from))) {
    await new Promise<void>((resolve) => {
      onWrite = resolve
    })
  }
}

const END = / {2}[0-9a-f]{6} user \d+ \d\d:\d\d:\d\d$/

t.test('a request is one line with its outcome, and its SQL is indented below', async (t) => {
  const json = { post_id: post.id, dir: 1 }
  const [first = '', ...statements] = (await print('POST', '/vote', { token: ann.token, json })).split('\n')
  t.match(first, /^POST \/vote 201 \d+ ms/)
  t.match(first, END)
  t.match(statements, [/^ +\d+\.\d ms {2}.*"users"/, /ms {2}BEGIN/, /ms {2}/])
  t.match(statements.at(-2), /ms {2}COMMIT$/)
  for (const line of statements.slice(0, -1)) t.match(line, /^ {3,}\d+\.\d ms {2}\S/)
  t.equal(statements.at(-1), '')
})

t.test('a rejected request has the code of its problem, and ends in ROLLBACK', async (t) => {
  const json = { post_id: post.id, dir: 1 }
  const [first = '', ...statements] = (await print('POST', '/vote', { token: ann.token, json })).split('\n')
  t.match(first, /^POST \/vote 409 ALREADY_VOTED \d+ ms/)
  t.match(statements.at(-2), /ms {2}ROLLBACK$/)
})

t.test('a request without a statement is only one line', async (t) => {
  for (const [path, line] of [
    ['/health', /^GET \/health 200 \d+ ms {2}[0-9a-f]{6} [\d:]{8}\n$/],
    ['/nothing', /^GET \/nothing 404 NOT_FOUND \d+ ms {2}[0-9a-f]{6} [\d:]{8}\n$/],
    ['/posts', /^GET \/posts 401 NOT_AUTHENTICATED \d+ ms {2}[0-9a-f]{6} [\d:]{8}\n$/],
  ] as const)
    t.match(await print('GET', path), line)
})

t.test('the pages of the service itself are printed only if they fail', async (t) => {
  const before = text.length
  for (const path of ['/docs/', '/header.css']) t.equal((await call('GET', path)).status, 200)
  t.match(await print('GET', '/docs/none'), /^GET \/docs\/none 4\d\d [A-Z_]+ \d+ ms/)
  t.notMatch(text.slice(before), /GET .* 200/)
})

t.test('a failure is printed with its request, error and cause, and without the values', async (t) => {
  await app.knex.raw('ALTER TABLE posts ALTER content TYPE varchar(30)')
  t.teardown(() => app.knex.raw('ALTER TABLE posts ALTER content TYPE text'))
  const json = { title: 'an unmistakable title', content: 'unmistakable'.repeat(9) }
  const printed = await print('POST', '/posts', { token: ann.token, json })
  t.match(printed, /^ERROR request failed POST \/posts INTERNAL {2}[0-9a-f]{6} user \d+ [\d:]{8}\n {2}\S/)
  t.match(printed, /\n {4}at .*\n[\s\S]*\n {2}caused by\n {2}.*\(22001\)\n/)
  t.match(printed, /\nPOST \/posts 500 INTERNAL \d+ ms.*\n[\s\S]*insert into "posts" .* failed: 22001\n/)
  t.notMatch(printed, /unmistakable/)
})

t.test('no email, password, token, hash or search term is printed', async (t) => {
  const form = { username: 'ann@example.com', password: 'a wrong password' }
  await print('POST', '/login', { form })
  await print('GET', '/posts?search=whisper', { token: ann.token })
  await print('GET', `/posts?access_token=${ann.token}`)
  t.match(text, /^POST \/login 403 INVALID_CREDENTIALS/m)
  t.match(text, /^POST \/login 200 \d+ ms/m)
  t.notMatch(text, /example\.com|password'|whisper|\$2b\$|eyJ|a wrong/)
  t.notMatch(text, ann.token)
})
