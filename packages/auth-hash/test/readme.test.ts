import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = Array.from(readme.matchAll(/^```js\n(.+?)^```$/gms), ([, code]) => code as string)

t.ok(blocks.length > 0, 'the README has code')

// It runs the package as built: what is covered of that says nothing of the sources.
const env = { ...process.env, _TAPJS_PROCESSINFO_COVERAGE_: '0' }

// Beside this package in the repository, so that its name is resolved to it as it is built.
const files = Object.fromEntries(blocks.map((code, index) => [`${index}.mjs`, code]))
const dir = t.testdir(files)

for (const [file, code] of Object.entries(files)) {
  const title = code.split('\n').find((line) => !line.startsWith('import') && line !== '') ?? ''
  t.test(`the README’s code prints what it says: ${title}`, async (t) => {
    const promised = Array.from(code.matchAll(/console\.log\(.+\) \/\/ (.+)$/gm), ([, output]) => output)
    t.ok(promised.length > 0)
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(dir, file)], { env })
    t.strictSame(stdout.trimEnd().split('\n'), promised)
    t.equal(stderr, '')
  })
}
