/**
 * Checks that a tag is the version of every package, and that each changelog has a section for it: `node .ci/release.js v0.1.0`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolders, readManifest } from './pack.js'

const version = /^v(\d+\.\d+\.\d+)$/.exec(process.argv[2] ?? '')?.[1]
const faults =
  version === undefined ? ['Expected a tag such as v0.1.0'] : packageFolders.flatMap(checkPackage)
if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exitCode = 1
}

function checkPackage(folder) {
  const { name, version: own } = readManifest(folder)
  const found = []
  if (own !== version) found.push(`${name} has the version ${own}`)
  const changelog = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')
  if (!changelog.includes(`\n## ${version} `))
    found.push(`The changelog of ${name} has no section "## ${version} (<date>)"`)
  return found
}
