import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

const twenty = Array.from({ length: 20 }, (_, index) => index)

t.test('of twenty sign-ups with one e-mail at once, one succeeds', async (t) => {
  const { app, call } = await serve(t, { poolMax: 20 })
  const answers = await Promise.all(
    twenty.map((n) =>
      call('POST', '/users', {
        json: { email: n % 2 ? 'ann@example.com' : 'ANN@example.com', password: 'password123' },
      }),
    ),
  )
  const statuses = answers.map(({ status }) => status)
  t.same(statuses.sort(), [201, ...twenty.slice(1).map(() => 409)])
  t.equal((await app.knex('users')).length, 1)
})

t.test('of twenty votes of one user at once, one counts', async (t) => {
  const { app, call, signUp } = await serve(t, { poolMax: 20 })
  const { token } = await signUp('ann@example.com')
  const { body: post } = await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
  const json = { post_id: post.id, dir: 1 }
  const answers = await Promise.all(twenty.map(() => call('POST', '/vote', { token, json })))
  t.same(answers.map(({ status }) => status).sort(), [201, ...twenty.slice(1).map(() => 409)])
  t.equal((await app.knex('votes')).length, 1)
})

t.test('votes for a post that is deleted meanwhile are stored with it or not at all', async (t) => {
  const { app, call, signUp } = await serve(t, { poolMax: 20 })
  const owner = await signUp('owner@example.com')
  const voters = await Promise.all([1, 2, 3].map((n) => signUp(`voter${n}@example.com`)))
  for (let round = 0; round < 10; round++) {
    const { body: post } = await call('POST', '/posts', {
      token: owner.token,
      json: { title: 'a', content: 'b' },
    })
    const answers = await Promise.all([
      ...voters.map(({ token }) => call('POST', '/vote', { token, json: { post_id: post.id, dir: 1 } })),
      call('DELETE', `/posts/${post.id}`, { token: owner.token }),
    ])
    t.same(
      answers.filter(({ status }) => ![201, 204, 404].includes(status)),
      [],
    )
  }
  t.same(await app.knex('votes'), [])
})
