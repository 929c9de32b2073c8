import t from 'tap'
import { connectPsql, hasPsql, readStatement } from '../src/psql.ts'

t.test('hasPsql() looks for psql in the folders of PATH', async (t) => {
  const dir = t.testdir({ with: { psql: '' }, without: {} })
  t.equal(hasPsql({ PATH: `${dir}/without:${dir}/with` }), true)
  t.equal(hasPsql({ PATH: `${dir}/without` }), false)
  t.equal(hasPsql({}), false)
})

t.test('connectPsql() passes the password in the environment, not in the arguments', async (t) => {
  const { args, env } = connectPsql('postgres://ada:to%40ma@db.example:5433/app?sslmode=require', {
    HOME: '/h',
  })
  t.same(args, ['--dbname=postgres://ada@db.example:5433/app?sslmode=require'])
  t.same(env, { HOME: '/h', PGPASSWORD: 'to@ma' })
  t.same(connectPsql('postgres://localhost/app', { PGPASSWORD: 'kept' }).env, { PGPASSWORD: 'kept' })
  t.throws(() => connectPsql('tomatoes', {}), { message: /^DATABASE_URL is not the URL/ })
})

t.test('without psql, only `-c` with a statement is possible', async (t) => {
  for (const args of [['-c', 'select 1'], ['-cselect 1'], ['--command=select 1'], ['--command', 'select 1']])
    t.equal(readStatement(args), 'select 1', args.join(' '))
  for (const args of [[], ['-l'], ['-c'], ['-c', ''], ['-f', 'file.sql'], ['auth_primer']])
    t.throws(() => readStatement(args), {
      message: /^psql is not installed[\s\S]*apt-get[\s\S]*brew[\s\S]*winget/,
    })
})
