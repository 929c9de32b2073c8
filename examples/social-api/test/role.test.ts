import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const run = promisify(execFile)

t.test('`npm run users:role` changes roles', async (t) => {
  const { app, call, signUp } = await serve(t)
  const [ann, bob] = [await signUp('Ann@example.com'), await signUp('bob@example.com')]
  const { connectionString } = app.knex.client.config.connection
  const usersRole = (...args: string[]) =>
    run(process.execPath, ['examples/social-api/dist/cli.js', 'role', ...args], {
      cwd: CHECKOUT,
      env: { PATH: process.env.PATH, DATABASE_URL: connectionString, _TAPJS_PROCESSINFO_COVERAGE_: '0' },
    })
  const roles = () => app.knex('users').orderBy('id').pluck('role')
  const { body: post } = await call('POST', '/posts', {
    token: bob.token,
    json: { title: 'a', content: 'b' },
  })
  const edit = () =>
    call('PUT', `/posts/${post.id}`, { token: ann.token, json: { title: 'c', content: 'd' } })

  t.test(
    'users:role changes a role, which counts immediately for tokens that the user already has',
    async (t) => {
      t.match(await edit(), { status: 403, body: { code: 'NOT_OWNER' } })
      const { stdout } = await usersRole('aNN@example.com', 'admin')
      t.equal(stdout, 'Ann@example.com now has the role admin.\n')
      t.same(await roles(), ['admin', 'user'])
      t.equal((await edit()).status, 200)

      await usersRole('ann@example.com', 'user')
      t.same(await roles(), ['user', 'user'])
      t.equal((await edit()).status, 403, 'removing the role counts immediately too')
    },
  )

  t.test('users:role rejects wrong arguments, prints its usage, and changes nothing', async (t) => {
    const wrong: [string[], RegExp][] = [
      [['nobody@example.com', 'admin'], /^No user has this email\./],
      [['ann@example.com', 'root'], /^Usage: npm run users:role/],
      [[], /^Usage: /],
    ]
    for (const [args, stderr] of wrong) {
      await t.rejects(usersRole(...args), { code: 1, stdout: '', stderr }, args.join(' '))
    }
    t.match(await usersRole('--help'), { stdout: /^Usage: /, stderr: '' })
    t.same(await roles(), ['user', 'user'])
  })
})
