/**
 * Checks the packages as a consumer gets them: `npm run check:packages`. They are built and packed. Then publint and attw check
 * them, their files and size are checked, and a project installs them: it imports and requires every entry point, and an
 * editor's go-to-definition must end in TypeScript.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { CHECKOUT, env, npm, pack, packageFolders, readManifest, TSC } from './pack.js'

/** The most KiB that a package may have, packed. A larger one probably contains files by mistake. */
const MAX_KIB = { 'auth-hash': 90, 'db-session': 110, 'jwt-kit': 160, 'jwt-remote': 60 }

/** The other packages that a consumer installs, for the entry points that need them. */
const PEERS = ['@sinclair/typebox@0.34', 'fastify@5', '@fastify/jwt@10', 'knex@3', 'pg@8', '@types/node@20']

/** The files in a package other than its source and its build. */
const DOCUMENTS = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']

// Node runs them: on Windows, the files in node_modules/.bin are scripts of cmd.exe.
const PUBLINT = join(CHECKOUT, 'node_modules/publint/src/cli.js')
const ATTW = join(CHECKOUT, 'node_modules/@arethetypeswrong/cli/dist/index.js')

const STDIO = ['ignore', 'pipe', 'pipe']
const faults = []

/** Runs a program, and returns its output; adds a fault if it fails. */
function run(cwd, what, program, ...args) {
  return attempt(what, () => execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: STDIO }))
}

function attempt(what, work) {
  try {
    return work()
  } catch (error) {
    faults.push(`${what}:\n${error.stdout}${error.stderr}`)
    return ''
  }
}

const folder = mkdtempSync(join(tmpdir(), 'auth-primer-packages-'))
try {
  execFileSync(process.execPath, [TSC, '-b', ...packageFolders], { stdio: 'inherit' })
  const packed = packageFolders.map((packageFolder) => ({ packageFolder, ...pack(packageFolder, folder) }))
  for (const one of packed) checkPacked(one)
  await checkInstalled(packed)
} finally {
  rmSync(folder, { recursive: true })
}
if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exitCode = 1
}

function checkPacked({ packageFolder, tarball, files, name }) {
  const short = basename(packageFolder)
  run(folder, `publint of ${name}`, process.execPath, PUBLINT, '--strict', tarball)
  // CommonJS can require ES modules since Node 20.19, which attw does not consider.
  const rules = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm', '--no-emoji']
  run(folder, `attw of ${name}`, process.execPath, ATTW, ...rules, tarball)

  const sources = files.map(({ path }) => path).filter((path) => path.startsWith('src/'))
  const built = sources.flatMap((path) =>
    ['.js', '.js.map', '.d.ts', '.d.ts.map'].map((ending) =>
      path.replace(/^src\/(.+)\.ts$/, (_, file) => `dist/${file}${ending}`),
    ),
  )
  const expected = new Set([...DOCUMENTS, ...sources, ...built])
  const found = new Set(files.map(({ path }) => path))
  if (sources.length === 0) faults.push(`${name} has no source`)
  for (const path of expected) if (!found.has(path)) faults.push(`${name} lacks ${path}`)
  for (const path of found) if (!expected.has(path)) faults.push(`${name} has ${path}, which is not expected`)

  const kib = Math.ceil(statSync(tarball).size / 1024)
  if (!(kib <= MAX_KIB[short])) faults.push(`${name} has ${kib} KiB, more than ${MAX_KIB[short]}`)
  console.log(`${name}: ${files.length} files, ${kib} KiB packed`)

  const { keywords, publishConfig, license, engines, description } = readManifest(packageFolder)
  if (!(keywords?.length >= 5 && license && engines?.node && description))
    faults.push(`${name}: the members that the registry shows are not complete`)
  if (!(publishConfig?.access === 'public' && publishConfig.provenance && !publishConfig.registry))
    faults.push(`${name}: publishConfig is not public, with provenance, and without a registry`)
}

async function checkInstalled(packed) {
  const project = join(folder, 'consumer')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  const options = [
    'install',
    '--prefer-offline',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const tarballs = packed.map(({ tarball }) => tarball)
  attempt('npm install', () => npm([...options, ...tarballs, ...PEERS], { cwd: project, env, stdio: STDIO }))
  for (const { name, packageFolder } of packed) {
    for (const entry of Object.keys(readManifest(packageFolder).exports)) {
      if (entry === './package.json') continue
      const path = `${name}${entry.slice(1)}`
      const count = `(m) => console.log(Object.keys(m).length)`
      const imported = run(
        project,
        `import of ${path}`,
        process.execPath,
        '--eval',
        `import('${path}').then(${count})`,
      )
      const required = run(
        project,
        `require of ${path}`,
        process.execPath,
        '--throw-deprecation',
        '--eval',
        `(${count})(require('${path}'))`,
      )
      if (!(Number(imported) > 0 && Number(required) > 0)) faults.push(`${path} exports nothing`)
    }
    checkReadme(name, readFileSync(join(project, 'node_modules', name, 'README.md'), 'utf8'))
  }
  await checkDefinitions(project, packed)
}

/** Returns the anchor of a heading, as the registry's page makes it. */
function toSlug(heading) {
  const text = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '')
  return text.trim().replaceAll(' ', '-')
}

/** Adds a fault for each dead link: on the registry's page, only absolute links and links to headings work. */
function checkReadme(name, text) {
  const prose = text.replace(/```[\s\S]*?```/g, '')
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => `#${toSlug(heading)}`)
  for (const [, href] of prose.matchAll(/\]\(([^)]+)\)/g))
    if (!href.startsWith('https://') && !headings.includes(href))
      faults.push(`README of ${name}: dead link ${href}`)
  if (!/^## Error codes\n\n### [A-Z0-9_]+: .+\n\n\S/m.test(text))
    faults.push(`README of ${name} does not explain its codes`)
}

/** Checks, with TypeScript's server as in an editor, that the first export of each package is defined in TypeScript. */
async function checkDefinitions(project, packed) {
  const server = spawn(
    process.execPath,
    [join(CHECKOUT, 'node_modules/typescript/lib/tsserver.js'), '--disableAutomaticTypingAcquisition'],
    { cwd: project, env, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const lines = createInterface({ input: server.stdout })
  const answers = new Map()
  lines.on('line', (line) => {
    if (!line.startsWith('{')) return
    const { type, request_seq, body } = JSON.parse(line)
    if (type === 'response') answers.get(request_seq)?.(body)
  })
  const ask = (seq, command, request) =>
    new Promise((resolve) => {
      answers.set(seq, resolve)
      server.stdin.write(`${JSON.stringify({ seq, type: 'request', command, arguments: request })}\n`)
    })
  for (const [at, { name }] of packed.entries()) {
    const file = join(project, `${basename(name)}.mts`)
    const installed = join(project, 'node_modules', name)
    const main = join(installed, readManifest(installed).exports['.'].default)
    const exported = await import(pathToFileURL(main).href)
    const first = Object.keys(exported).find((key) => typeof exported[key] === 'function')
    const text = `import { ${first} } from '${name}'\nconsole.log(${first})\n`
    writeFileSync(file, text)
    server.stdin.write(
      `${JSON.stringify({ seq: 1000 + at, type: 'request', command: 'open', arguments: { file, fileContent: text } })}\n`,
    )
    const definitions = await ask(at + 1, 'definition', { file, line: 2, offset: 'console.log('.length + 1 })
    const target = definitions?.[0]?.file ?? 'nowhere'
    if (!target.includes(`node_modules/${name}/src/`) || !target.endsWith('.ts'))
      faults.push(`go to definition of ${first} of ${name} ends in ${target.replace(dirname(project), '')}`)
  }
  server.stdin.end()
  await once(server, 'exit')
}
