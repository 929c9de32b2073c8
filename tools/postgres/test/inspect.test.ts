import t, { type Test } from 'tap'
import { EmbeddedPostgresError } from '../src/errors.ts'
import { listTables, runStatements, showTable } from '../src/inspect.ts'
import { createTestDatabase } from '../src/testing.ts'
import { query } from './support.ts'

const HASH = '$2b$12$abcdefghijklmnopqrstuuLabcdefghijklmnopqrstuvwxyz01234'

/** Creates a database with these statements, deleted at the end of the test. */
async function createDatabase(t: Test, sql = ''): Promise<string> {
  const { url, drop } = await createTestDatabase()
  t.teardown(drop)
  if (sql) await query(url, sql)
  return url
}

t.test('listTables() counts the rows of each table, in any schema and with any name', async (t) => {
  const url = await createDatabase(
    t,
    `create table users (id int); insert into users values (1), (2);
     create table "Odd ""name""; drop table users" (id int);
     create schema audit; create table audit.log (id int); create view seen as select 1`,
  )
  t.equal(
    await listTables(url),
    ` table                        | rows
------------------------------+------
 Odd "name"; drop table users |    0
 audit.log                    |    0
 users                        |    2

\`npm run db:show <table>\` shows the rows of a table.
`,
  )
  for (const table of ['audit.log', 'Odd "name"; drop table users'])
    t.match(await showTable(url, table), /\(0 rows\)\n$/, table)
})

t.test('listTables() says how to create tables if there are none', async (t) => {
  const url = await createDatabase(t)
  t.equal(await listTables(url), 'There are no tables yet. `npm run db:migrate` creates them.\n')
  await t.rejects(showTable(url, 'users'), { message: 'There is no table users. There are no tables yet.' })
})

t.test('showTable() prints the first rows in order, and how many there are', async (t) => {
  const url = await createDatabase(
    t,
    'create table posts (id int primary key, title text); insert into posts select n, null from generate_series(30, 1, -1) n',
  )
  t.equal(await showTable(url, 'posts', 2), ' id | title\n----+-------\n  1 |\n  2 |\n(2 of 30 rows)\n')
  t.match(
    await showTable(url, 'posts'),
    /\n 20 \|\n\(20 of 30 rows\)\n$/,
    'at most 20 unless a number is given',
  )
  t.match(await showTable(url, 'posts', 50), /\n\(30 rows\)\n$/)
  await t.rejects(showTable(url, 'post'), { message: 'There is no table post. The tables are: posts.' })
})

t.test('showTable() shows no password hash, token or key whole, whatever its column is called', async (t) => {
  const argon2 = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaA'
  const secrets = [
    HASH,
    argon2,
    'ab'.repeat(32),
    'Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm8',
    '0190d3e1-7b1c-7e0a-9c7d-3f2b1a0c9d8e',
  ]
  const columns = secrets.map((secret, index) => `'${secret}' as column_${index}`)
  const url = await createDatabase(
    t,
    `create table kept as select ${columns}, 'correct horse battery staple' as password, decode('${'ab'.repeat(32)}', 'hex') as raw,
     'grace.brewster.murray.hopper@example.com' as email, '2026-01-05 08:00:00.123456+00'::timestamptz as password_changed_at`,
  )
  const text = await showTable(url, 'kept')
  for (const secret of [...secrets, 'correct horse battery staple', 'ab'.repeat(32)])
    t.notMatch(text, secret.slice(0, 17), secret)
  t.match(text, '$2b$12$abcdefgh…', 'two hashes can be told apart')
  t.match(text, 'grace.brewster.murray.hopper@example.com')
  t.match(text, '2026-01-05 08:00:00.123456+00')
})

t.test('text from the database cannot control the terminal', async (t) => {
  const url = await createDatabase(
    t,
    `create table notes as select E'one\\ntwo \\u001b[2J\\u009b3J end' as text`,
  )
  for (const text of [await showTable(url, 'notes'), await runStatements(url, 'select text from notes')])
    t.match(text, ' one↵two �[2J�3J end\n')
})

t.test('runStatements() prints rows and commands, like psql', async (t) => {
  const url = await createDatabase(t)
  t.equal(
    await runStatements(
      url,
      `create table t (id int, name text); insert into t values (1, 'Zoë'), (20, null); select * from t`,
    ),
    'CREATE\n\nINSERT 2 rows\n\n id | name\n----+------\n  1 | Zoë\n 20 |\n(2 rows)\n',
  )
  t.equal(await runStatements(url, 'select 1 as one where false'), ' one\n-----\n(0 rows)\n')
  t.equal(await runStatements(url, ''), 'No statement\n')
})

t.test('a wrong statement and an unreachable database are one line each, without a password', async (t) => {
  const url = await createDatabase(t)
  const wrong = new URL(url)
  wrong.pathname = '/no_such_database'
  const denied = new URL(url)
  denied.password = 'tomatoes'
  for (const [address, sql, message] of [
    [url, 'selct 1', /^Error: syntax error at or near "selct"$/],
    [url, 'select * from nowhere', /^Error: relation "nowhere" does not exist$/],
    [wrong.href, '', /^Cannot connect to the database: database "no_such_database" does not exist$/],
    [denied.href, '', /^Cannot connect to the database: password authentication failed/],
    ['postgres://ada:tomatoes@localhost:1/x', '', /^Cannot connect to the database: .*ECONNREFUSED/],
    [
      'postgres://ada:tomatoes@127.0.0.1:port/x',
      '',
      /^DATABASE_URL is not the URL of a Postgres database\.$/,
    ],
  ] as const) {
    const error = await runStatements(address, sql).catch((error) => error)
    t.type(error, EmbeddedPostgresError)
    t.match(error.message, message)
    t.notMatch(error.message, /tomatoes|\n/)
  }
})
