import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { REMOTE_ERROR_CODES } from '../src/index.ts'

const pages = new URL('../../../docs/errors/', import.meta.url)

t.test('each code has a page, and each page a code', async (t) => {
  const named = readdirSync(pages)
    .filter((name) => name.startsWith('JWT_REMOTE_'))
    .map((name) => name.replace(/\.md$/, ''))
  t.same(named.sort(), [...REMOTE_ERROR_CODES].sort())
  for (const code of REMOTE_ERROR_CODES) {
    const text = readFileSync(new URL(`${code}.md`, pages), 'utf8')
    for (const part of [`# ${code}`, '## What happened', '## Why', '## How to fix it', '## Learn more'])
      t.ok(text.includes(part), `${code}: ${part}`)
  }
})
