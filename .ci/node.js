/**
 * Runs the packages' tests on other versions of Node: `npm run test:node -- 22 24 26`, or some of them:
 * `npm run test:node -- 26 packages/jwt-kit/test/cli.test.ts`. Each version comes from the npm package `node`, and is kept in
 * `node_modules/.cache`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { CHECKOUT, env, npm } from './pack.js'

const isVersion = (argument) => /^\d+(\.\d+){0,2}$/.test(argument)
const versions = process.argv.slice(2).filter(isVersion)
const files = process.argv.slice(2).filter((argument) => !isVersion(argument))
if (files.length === 0) files.push('packages/*/test/*.test.ts')
if (versions.length === 0) {
  console.error('Expected versions of Node, for example: npm run test:node -- 22 24 26')
  process.exit(2)
}

let failed = 0
for (const version of versions) {
  const folder = join(CHECKOUT, `node_modules/.cache/node-${version}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  // The package gets the program of this platform in its install script.
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  npm(['install', ...options, `node@${version}`], { cwd: folder, env, stdio: 'inherit' })
  const node = join(folder, 'node_modules/node/bin/node')
  console.log(`Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`)
  const PATH = [dirname(node), process.env.PATH].join(delimiter)
  const postgres = ['--import', 'tsx', 'tools/postgres/src/cli.ts', 'run', '--temporary', '--']
  // tap expands the pattern.
  const tap = ['node_modules/tap/dist/esm/run.mjs', '--disable-coverage', ...files]
  const { status } = spawnSync(node, [...postgres, node, ...tap], {
    cwd: CHECKOUT,
    env: { ...env, PATH },
    stdio: 'inherit',
  })
  if (status !== 0) failed += 1
}
process.exitCode = failed === 0 ? 0 : 1
