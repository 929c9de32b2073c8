/** The public names of the package, and the page of each error code. */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import * as main from '../src/index.ts'
import * as unitOfWork from '../src/unit-of-work.ts'

const NAMES = [
  'DB_SESSION_ERROR_CODES',
  'DbSessionError',
  'createUnitOfWork',
  'toDbSessionError',
  'withRollback',
]

t.test('the main entry point exports these names and no others', (t) => {
  t.same(Object.keys(main).sort(), [...NAMES, 'dbSession', 'default'].sort())
  t.equal(main.default, main.dbSession)
  t.end()
})

t.test('the entry point without Fastify exports the same names except the plugin', (t) => {
  t.same(Object.keys(unitOfWork).sort(), [...NAMES].sort())
  t.end()
})

t.test('index.ts only re-exports', (t) => {
  const text = readFileSync(new URL('../src/index.ts', import.meta.url), 'utf8')
  const [, code = ''] = text.split(' */\n')
  for (const line of code.trim().split('\n')) t.match(line, /^export .* from '.*'$/)
  t.end()
})

t.test('every error code has a page, and every page has a code', (t) => {
  const folder = new URL('../../../docs/errors/', import.meta.url)
  const pages = readdirSync(folder).filter((name) => name.startsWith('DB_SESSION_'))
  t.same(pages.sort(), main.DB_SESSION_ERROR_CODES.map((code) => `${code}.md`).sort())
  for (const page of pages) {
    const text = readFileSync(new URL(page, folder), 'utf8')
    t.ok(text.startsWith(`# ${page.slice(0, -3)}`), page)
    t.same(
      text.match(/^## .+$/gm),
      ['## What happened', '## Why', '## How to fix it', '## Learn more'],
      `${page} has the four headings`,
    )
  }
  t.end()
})
