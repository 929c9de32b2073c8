import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { DbSessionError, postgresError, translate } from '../src/errors.ts'
import * as exported from '../src/index.ts'

t.test('every code has a page, and every page a code', (t) => {
  const folder = new URL('../../../docs/errors/', import.meta.url)
  const pages = readdirSync(folder).filter((name) => name.startsWith('DB_SESSION_'))
  t.same(pages.sort(), exported.DB_SESSION_ERROR_CODES.map((code) => `${code}.md`).sort())
  for (const page of pages) {
    const text = readFileSync(new URL(page, folder), 'utf8')
    t.ok(text.startsWith(`# ${page.slice(0, -3)}`), page)
    for (const heading of ['## What happened', '## Why', '## How to mend it', '## Where it is explained'])
      t.match(text, heading, `${page}: ${heading}`)
  }
  t.end()
})

t.test('exports', (t) => {
  t.same(Object.keys(exported).sort(), [
    'DB_SESSION_ERROR_CODES',
    'DbSessionError',
    'dbSession',
    'default',
    'withRollback',
  ])
  t.end()
})

t.test('translate', (t) => {
  const pg = (code: string, severity = 'ERROR') =>
    Object.assign(new Error('x'), { code, severity, constraint: 'users_email' })
  const expected = {
    '23505': 'DB_SESSION_CONSTRAINT',
    '40001': 'DB_SESSION_SERIALIZATION',
    '40P01': 'DB_SESSION_SERIALIZATION',
    '25006': 'DB_SESSION_READ_ONLY',
    '57014': 'DB_SESSION_STATEMENT_TIMEOUT',
    '55P03': 'DB_SESSION_STATEMENT_TIMEOUT',
    '08006': 'DB_SESSION_CONNECTION_LOST',
    '42601': 'DB_SESSION_QUERY_FAILED',
  }
  for (const [state, code] of Object.entries(expected)) {
    const cause = pg(state)
    const error = translate(
      new Error('wrapped', { cause: Object.assign(new Error('of Objection'), { nativeError: cause }) }),
    )
    t.match(error, { code, sqlState: state, constraint: 'users_email' })
    t.equal(postgresError(error), cause)
  }
  t.equal(translate(pg('57P01', 'FATAL'))?.code, 'DB_SESSION_CONNECTION_LOST')
  t.equal(translate(new Error('no database')), undefined)
  const own = new DbSessionError('DB_SESSION_OVER', 'x')
  t.equal(translate(own), own)
  t.notOk('headers' in own && own.headers)
  t.end()
})
