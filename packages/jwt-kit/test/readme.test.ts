import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = [...readme.matchAll(/^```js\n(.+?)^```$/gms)].map(([, code]) => code as string)

// Inside of this package, so that its name leads to it as it is built.
const dir = t.testdir(Object.fromEntries(blocks.map((code, at) => [`${at}.mjs`, code])))

// As a reader runs it, without what tap loads into every Node.
const { NODE_OPTIONS: _, ...env } = process.env

t.ok(blocks.length >= 5, 'the README has code')

blocks.forEach((code, at) => {
  t.test(`block ${at + 1} of the README prints what it says`, async (t) => {
    const said = [...code.matchAll(/console\.log\(.+\) \/\/ (.+)$/gm)].map(([, output]) => output)
    t.ok(said.length > 0)
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [path.join(dir, `${at}.mjs`)], {
      env,
    })
    t.same(stdout.trimEnd().split('\n'), said)
    t.equal(stderr, '')
  })
})
