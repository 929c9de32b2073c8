import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The code in the README and in the doc comments, by where it stands. */
const examples = new Map<string, string>()
for (const file of ['README.md', ...readdirSync(path.join(root, 'src')).map((name) => `src/${name}`)]) {
  const text = readFileSync(path.join(root, file), 'utf8').replace(/^ \* ?/gm, '')
  for (const { 1: code, index } of text.matchAll(/^```js\n(.+?)^```$/gms)) {
    const line = text.slice(0, index).split('\n').length
    examples.set(`${file}:${line}`, code as string)
  }
}

// Inside of this package, so that its name leads to it as it is built.
const nameOf = (place: string) => `${place.replace(/\W/g, '-')}.mjs`
const dir = t.testdir(Object.fromEntries([...examples].map(([place, code]) => [nameOf(place), code])))
// As a reader runs it, without what tap loads into every Node; what is built is not to be covered, but what it is built from.
const { NODE_OPTIONS: _, ...rest } = process.env
const env = { ...rest, _TAPJS_PROCESSINFO_COVERAGE_: '0' }

t.ok(examples.size >= 3, 'there are examples')

for (const [place, code] of examples) {
  t.test(`${place} prints what it says`, async (t) => {
    const said = [...code.matchAll(/console\.log\(.+\) \/\/ (.+)$/gm)].map(([, output]) => output)
    t.ok(said.length > 0)
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [path.join(dir, nameOf(place))], {
      env,
    })
    t.same(stdout.trimEnd().split('\n'), said)
    t.equal(stderr, '')
  })
}
