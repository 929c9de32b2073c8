/**
 * Checks everything that is installed, without a network: `npm run check:dependencies`. Fails if a package does not run on
 * the oldest Node that this repository promises, or has a licence that is not on the list.
 */
import semver from 'semver'
import { npm } from './pack.js'

const OLDEST = '20.19.0'
const LICENCES = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-3.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MPL-2.0',
  'PostgreSQL',
  'Python-2.0',
]

/** Checked by hand: the licence is only in a file, not in package.json. */
const MIT_BY_FILE = ['jsonc-simple-parser@3.0.0']

// Its exit code is not 0 if a package is missing, superfluous, or of a version that no package.json allows.
npm(['ls', '--all'], { stdio: ['ignore', 'ignore', 'inherit'] })

const packages = JSON.parse(npm(['query', '*'], { maxBuffer: 2 ** 28 }))
const faults = []
const counts = new Map()
for (const { name, version, license, engines, inBundle } of packages) {
  if (!name || inBundle) continue
  const licence = typeof license === 'string' ? license : (license?.type ?? 'none')
  counts.set(licence, (counts.get(licence) ?? 0) + 1)
  const isKnown =
    MIT_BY_FILE.includes(`${name}@${version}`) ||
    licence.split(/\s+(?:OR|AND)\s+|[()]/).some((one) => LICENCES.includes(one.trim()))
  if (!isKnown) faults.push(`${name}@${version} has the licence ${licence}`)
  if (engines?.node && !semver.satisfies(OLDEST, engines.node))
    faults.push(`${name}@${version} wants Node ${engines.node}`)
}

for (const [licence, count] of [...counts].sort(([, one], [, other]) => other - one))
  console.log(`${String(count).padStart(5)}  ${licence}`)
if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exitCode = 1
}
