/**
 * Packs the packages as they are published: `node .ci/pack.js <folder>`. A README is read on the registry's page, and there a
 * link to a file of this repository is dead. So the packed one contains the explanations of the package's error codes, and its
 * links lead to them, or to the repository (`REPOSITORY_URL`, which the release sets). Other links are removed.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const CHECKOUT = resolve(import.meta.dirname, '..')
const ERRORS = join(CHECKOUT, 'docs/errors')
export const TSC = join(CHECKOUT, 'node_modules/typescript/bin/tsc')

/** The variables that npm sets would make an npm in here act on this repository. */
export const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$)/.test(name)),
)

/** The command that runs npm. In an npm script, Node runs it: on Windows, `npm` is a script of cmd.exe. */
const NPM = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm']

/** Runs npm, and returns its output. */
export function npm(args, options) {
  const [program, ...first] = NPM
  return execFileSync(program, [...first, ...args], { encoding: 'utf8', ...options })
}

/** The folders of the packages that are published. */
export const packageFolders = readdirSync(join(CHECKOUT, 'packages'))
  .map((name) => join(CHECKOUT, 'packages', name))
  .filter((folder) => readManifest(folder).private !== true)

export function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** Packs a folder into another one, and returns the tarball's path and its files. */
export function pack(folder, destination, repositoryUrl = process.env.REPOSITORY_URL) {
  const staging = mkdtempSync(join(tmpdir(), 'auth-primer-pack-'))
  try {
    const [{ files }] = npmPack(folder, '--dry-run')
    for (const { path } of files) cpSync(join(folder, path), join(staging, path))
    declarePublicParts(folder, join(staging, 'dist'))
    const manifest = readManifest(folder)
    const { devDependencies: _, scripts: __, ...published } = manifest
    if (repositoryUrl) {
      const directory = relative(CHECKOUT, folder).replaceAll(sep, '/')
      published.repository = { type: 'git', url: `git+${repositoryUrl}.git`, directory }
    }
    writeFileSync(join(staging, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
    const link = createLinks(repositoryUrl && `${repositoryUrl}/blob/v${manifest.version}`)
    const readme = rewriteLinks(readFileSync(join(folder, 'README.md'), 'utf8'), folder, link)
    writeFileSync(join(staging, 'README.md'), `${readme.trimEnd()}\n\n${explainCodes(folder, link)}`)
    const [packed] = npmPack(staging, '--pack-destination', destination)
    return { ...packed, tarball: join(destination, packed.filename) }
  } finally {
    rmSync(staging, { recursive: true })
  }
}

/**
 * Replaces the declarations by those without the parts that are marked `@internal`. Only these parts have types of Node, so a
 * consumer does not need `@types/node`. The tests need them, so `dist` has them.
 */
function declarePublicParts(folder, dist) {
  // In the package's folder, so that the maps lead to `../src`.
  const emitted = mkdtempSync(join(folder, 'dist-'))
  try {
    const options =
      '--emitDeclarationOnly --stripInternal --composite false --incremental false --outDir'.split(' ')
    execFileSync(process.execPath, [TSC, '-p', folder, ...options, emitted], { stdio: 'inherit' })
    cpSync(emitted, dist, { recursive: true })
  } finally {
    rmSync(emitted, { recursive: true })
  }
}

function npmPack(cwd, ...args) {
  const options = ['pack', '--json', '--ignore-scripts', '--loglevel=error', ...args]
  return JSON.parse(npm(options, { cwd, env }))
}

/** Creates a function that returns the link to a file of the repository, or undefined if there can be none. */
function createLinks(base) {
  return (path) => {
    const name = relative(CHECKOUT, path).replaceAll(sep, '/')
    if (name === 'docs/errors') return '#error-codes'
    return base && `${base}/${name}`
  }
}

function rewriteLinks(markdown, folder, link) {
  return markdown.replace(
    /(```[\s\S]*?```)|\[([^\]]+)\]\((?![a-z]+:|#)([^)\s]+)\)/g,
    (whole, code, text, href) => {
      if (code) return whole
      const [path, heading] = href.split('#')
      const target = link(resolve(folder, path))
      if (target === undefined) return text
      return `[${text}](${target}${heading ? `#${heading}` : ''})`
    },
  )
}

/** Returns the explanations of the codes that start with the package's name. */
function explainCodes(folder, link) {
  const prefix = `${relative(join(CHECKOUT, 'packages'), folder).replaceAll('-', '_').toUpperCase()}_`
  const names = readdirSync(ERRORS).filter((name) => name.startsWith(prefix))
  const sections = names.sort().map((name) => {
    const page = readFileSync(join(ERRORS, name), 'utf8').replace(/^## Learn more$[\s\S]*/m, '')
    const headings = page
      .replace(/^# /m, '### ')
      .replace(/^## What happened\n\n/m, '')
      .replace(/^## (.+)$/gm, '**$1**')
    return rewriteLinks(headings.trim(), ERRORS, link)
  })
  return `## Error codes\n\n${sections.join('\n\n')}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const destination = resolve(process.argv[2] ?? 'tarballs')
  mkdirSync(destination, { recursive: true })
  for (const folder of packageFolders) {
    const { tarball } = pack(folder, destination)
    console.log(`${relative(process.cwd(), tarball)} ${statSync(tarball).size} bytes`)
  }
}
