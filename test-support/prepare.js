// Prepares the tests, with everything at the same time: checks the types and builds the packages, builds tap without the
// plugins that .taprc excludes, and strips the types of all files in one process.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const CHECKOUT = resolve(import.meta.dirname, '..')

/** Returns true if tap has been built since it was installed: it comes with all its plugins. */
function isTapBuilt() {
  const test = dirname(fileURLToPath(import.meta.resolve('@tapjs/test/package.json')))
  const built = readFileSync(join(test, 'test-built/dist/esm/index.js'), 'utf8')
  const excluded = readFileSync(join(CHECKOUT, '.taprc'), 'utf8').matchAll(/^ +- "!(.+)"$/gm)
  return [...excluded].every(([, plugin]) => !built.includes(plugin))
}

async function run(...args) {
  const child = spawn(process.execPath, args, { cwd: CHECKOUT, stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  if (code !== 0) process.exitCode = 1
}

await Promise.all([
  run('node_modules/typescript/bin/tsc', '-b'),
  isTapBuilt() || run('node_modules/tap/dist/esm/run.mjs', 'build'),
  run('test-support/strip-types/fill-cache.js'),
])
