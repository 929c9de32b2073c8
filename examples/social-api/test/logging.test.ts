import { migrateToLatest } from '@auth-primer/migrations'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t, { type Test } from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { createKnex } from '../platform/database.ts'
import { createLogger } from '../platform/logging.ts'

const SECRETS = [
  'password',
  'current_password',
  'new_password',
  'client_secret',
  'access_token',
  'refresh_token',
  'token',
  'secret',
  'authorization',
  'cookie',
]

for (const name of SECRETS) {
  t.test(`a member ${name} is redacted, on its own and within others`, async (t) => {
    const { log, lines } = recorder()
    log.info({ [name]: 'hush' }, 'said')
    log.info({ body: { [name]: 'hush' } }, 'said')
    log.info({ call: { headers: { [name]: 'hush' } } }, 'said')
    log.child({ [name]: 'hush' }).info('said')
    t.equal(lines.length, 4)
    t.notMatch(JSON.stringify(lines), /hush/)
    t.match(lines, [
      { [name]: '[redacted]' },
      { body: { [name]: '[redacted]' } },
      { call: { headers: { [name]: '[redacted]' } } },
      { [name]: '[redacted]' },
    ])
  })
}

t.test(
  'of a request its path is logged, and no query, no address and nothing that may be a secret',
  async (t) => {
    const { log, lines } = recorder()
    for (const [url, logged] of [
      ['/posts/17', '/posts/17'],
      ['/posts?search=hush&access_token=hush', '/posts'],
      ['/?hush', '/'],
      ['/users/hush@example.com/x', '/users/[redacted]/x'],
      ['/users/hush%40example.com', '/users/[redacted]'],
      [`/login/${'hush'.repeat(11)}/x`, '/login/[redacted]/x'],
      [`/posts/${'9'.repeat(40)}`, `/posts/${'9'.repeat(40)}`],
    ]) {
      log.info({ req: { method: 'GET', host: 'localhost', ip: 'hush', originalUrl: url } })
      t.same((lines.at(-1) as { req: object }).req, { method: 'GET', url: logged, host: 'localhost' })
    }
    t.notMatch(JSON.stringify(lines), /hush/)
  },
)

t.test('the lines of a request have its user’s id, and nothing more of who that is', async (t) => {
  const { log, lines } = recorder()
  const { call, signUp } = await serve(t, { loggerInstance: log })
  const { id, token } = await signUp('whisper@example.com')
  lines.length = 0
  await call('GET', '/users/me', { token })
  await call('GET', '/posts?search=whisper', { token })
  await call('GET', '/posts/0', { token })
  await call('GET', '/posts')
  const completed = lines.filter((line) => (line as { msg: string }).msg === 'request completed')
  t.same(
    completed.map((line) => (line as { user?: number }).user),
    [id, id, id, undefined],
  )
  t.notMatch(JSON.stringify(lines), /whisper|127\.0\.0\.1"/)
  t.notMatch(JSON.stringify(lines), token)
})

t.test('a cookie that is set is redacted', async (t) => {
  const { log, lines } = recorder()
  log.info({ res: { headers: { 'set-cookie': 'hush', 'content-type': 'text/html' } } })
  t.match(lines, [{ res: { headers: { 'set-cookie': '[redacted]', 'content-type': 'text/html' } } }])
})

t.test('other members are logged as they are', async (t) => {
  const { log, lines } = recorder()
  const members = { user: { id: 7, tokens: 3 }, passwordless: true, headers: { accept: '*/*' } }
  log.info(members, 'said')
  t.match(lines, [{ ...members, msg: 'said' }])
})

t.test('an error of Postgres is logged without the row it speaks of', async (t) => {
  const { log, lines } = recorder()
  const error = await uniqueViolation(t)
  t.match(error, { code: '23505', detail: /whisper@example\.com/ }, 'which the error has')
  log.error(error)
  log.error({ err: error }, 'said')
  log.error({ err: new Error('around it', { cause: error }) })

  t.notMatch(JSON.stringify(lines), /whisper/i)
  t.notMatch(JSON.stringify(lines), /"detail"/)
  const described = { code: '23505', message: /users_email_key/, stack: /users_email_key/ }
  t.match(lines, [
    { err: described },
    { err: described },
    { err: { message: 'around it', cause: described } },
  ])
})

t.test('a line below the level is not written', async (t) => {
  const { log, lines } = recorder()
  log.debug('quiet')
  log.info('loud')
  t.match(lines, { length: 1, 0: { msg: 'loud' } })
})

function recorder() {
  const lines: object[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  return { lines, log: createLogger({ level: 'info', readable: false, destination }) }
}

async function uniqueViolation(t: Test): Promise<Error> {
  const database = await createTestDatabase()
  const knex = createKnex(database.url, 2)
  t.teardown(async () => {
    await knex.destroy()
    await database.drop()
  })
  await migrateToLatest(knex)
  await knex('users').insert({ email: 'whisper@example.com', password: 'x' })
  try {
    await knex('users').insert({ email: 'Whisper@example.com', password: 'x' })
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('It was not refused.')
}
