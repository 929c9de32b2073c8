import t, { type Test } from 'tap'
import { GENEROUS, serve } from '../../../test-support/social-api.ts'

const PASSWORD = 'a good password'

async function setUp(t: Test, throttles: Partial<typeof GENEROUS>) {
  const service = await serve(t, { throttles: { ...GENEROUS, ...throttles }, now: () => 1_000_000 })
  const logIn = async (username: string, password: string, remoteAddress = '192.0.2.1') => {
    const { statusCode, headers, body } = await service.app.inject({
      method: 'POST',
      url: '/login',
      remoteAddress,
      payload: { username, password },
    })
    return { status: statusCode, retryAfter: headers['retry-after'], body: JSON.parse(body) }
  }
  const signUp = (email: string) => service.call('POST', '/users', { json: { email, password: PASSWORD } })
  return { ...service, logIn, signUp }
}

t.test('log-ins', async (t) => {
  const { logIn, signUp } = await setUp(t, { failedLoginsPerAccount: 4 })
  await signUp('ana@example.com')

  t.test('of an account that does not exist are counted and answered as of one that does', async (t) => {
    const answers = async (email: string) => {
      const seen = []
      for (let count = 0; count < 7; count++) {
        const { status, retryAfter, body } = await logIn(email, 'wrong', `192.0.2.${count % 2}`)
        seen.push({ status, retryAfter, ...body, instance: undefined })
      }
      return seen
    }
    const known = await answers('ana@example.com')
    t.same(
      known.map(({ status }) => status),
      [403, 403, 403, 403, 403, 429, 429],
    )
    t.match(known.at(-1), { code: 'TOO_MANY_REQUESTS', retryAfter: '1' })
    t.same(await answers('nobody@example.com'), known)
  })

  t.test('with the right password are refused, too', async (t) => {
    t.equal((await logIn('ana@example.com', PASSWORD)).status, 429)
  })

  t.test('with another way to write the e-mail share its count, and another e-mail does not', async (t) => {
    const ways = [
      'ÉVA@example.com',
      'éva@example.com',
      'Éva@EXAMPLE.com',
      'éVA@Example.Com',
      'éva@example.com',
    ]
    const statuses = []
    for (const [index, email] of [...ways, ...ways.slice(0, 2)].entries())
      statuses.push((await logIn(email, 'wrong', `198.51.100.${index}`)).status)
    t.same(statuses, [403, 403, 403, 403, 403, 429, 429])
    t.equal((await logIn('eva@example.com', 'wrong')).status, 403)
  })
})

t.test('guesses at the current password, with a token, are counted with those at the log-in', async (t) => {
  const { app, logIn, signUp } = await setUp(t, { failedLoginsPerAccount: 4 })
  await signUp('ana@example.com')
  const { body } = await logIn('ana@example.com', PASSWORD)
  const change = async (current_password: string) => {
    const { statusCode } = await app.inject({
      method: 'PUT',
      url: '/users/me/password',
      remoteAddress: '192.0.2.1',
      headers: { authorization: `Bearer ${body.access_token}` },
      payload: { current_password, new_password: 'a better password' },
    })
    return statusCode
  }
  t.equal(await change('wrong'), 403)
  t.equal(await change('wrong'), 403)
  t.equal((await logIn('ANA@example.com', 'wrong')).status, 403)
  t.equal(await change('wrong'), 429)
  t.equal(await change(PASSWORD), 429)
  t.equal((await logIn('ana@example.com', PASSWORD)).status, 429)
})
