import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { CHECKOUT } from '../../test-support/process.ts'
import { readPage, readPages } from '../check/pages.ts'

const readmes = readdirSync(resolve(CHECKOUT, 'packages')).map((name) => `packages/${name}/README.md`)
const others = ['README.md', 'CONTRIBUTING.md', ...readmes].map((name) => readPage(resolve(CHECKOUT, name)))
const pages = [...(await readPages()), ...(await Promise.all(others))]
const withCommands = pages.filter(({ text }) => /npx @auth-primer\//.test(text))

t.test('no page runs the package of somebody else: npx always gets the scope', async (t) => {
  t.ok(withCommands.length >= 6)
  for (const { name, text } of pages)
    t.notMatch(
      text.replaceAll(/`npx (jwt-kit|auth-hash)` would download/g, ''),
      /npx (jwt-kit|auth-hash)/,
      name,
    )
})

t.test(
  'each page with a command of the scope says when it works, and what works in the repository',
  async (t) => {
    for (const { name, text } of withCommands) {
      t.match(text, /once the packages are published/i, name)
      t.match(text, /npm run (--silent )?(jwt|hash)\b/, name)
    }
  },
)
