import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import t from 'tap'
import { hasTest, readQuotes } from './named-tests.ts'

const HOW_TO = resolve(import.meta.dirname, '../../../docs/how-to')
const page = await readFile(join(HOW_TO, 'scale.md'), 'utf8')

t.test('scale.md names only tests that exist', async (t) => {
  const { files, quotes } = readQuotes(page)
  t.ok(quotes.length > 6, `${quotes.length} tests`)
  for (const { label, name } of quotes) {
    const path = files.get(label)
    if (path === undefined) t.fail(`no file has the label ${label}`)
    else t.ok(hasTest(await readFile(join(HOW_TO, path), 'utf8'), name), `${label}: ${name}`)
  }
  t.same(
    [...files.keys()].sort(),
    [...new Set(quotes.map(({ label }) => label))].sort(),
    'every file is used',
  )
})

t.test('scale.md has a row with a test for each part that may fail', async (t) => {
  const [, table = ''] = /\n\| failed part \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(page) ?? []
  const rows = table.trim().split('\n')
  t.equal(rows.length, 7)
  for (const row of rows) t.match(row, /“.+” \|$|\| none \|$/)
})

t.test('the figures in scale.md are those of the configuration files', async (t) => {
  const file = (name: string) => readFile(join(HOW_TO, 'scale', name), 'utf8')
  const value = (text: string, name: string) => new RegExp(`^${name} ?= ?(\\d+)$`, 'm').exec(text)?.[1]
  const bouncer = await file('pgbouncer.ini')
  const figures = {
    'connections of a process': value(await file('social-api.env.example'), 'DB_POOL_MAX'),
    '`max_client_conn`': value(bouncer, 'max_client_conn'),
    '`default_pool_size`': value(bouncer, 'default_pool_size'),
    '`max_connections`': value(await file('postgresql.conf'), 'max_connections'),
  }
  for (const [name, figure] of Object.entries(figures)) {
    const row = page.split('\n').find((line) => line.startsWith(`| ${name} |`))
    t.match(row, new RegExp(`\\| ${figure}\\b[^|]*\\|$`), name)
  }
})
