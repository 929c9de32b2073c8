import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CHECKOUT } from '../../../test-support/process.ts'

const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: CHECKOUT,
  encoding: 'utf8',
}).split('\0')

/** A chapter's answers show what learners write, and some of them run only in a POSIX shell. */
const isAnswer = (file: string) => /^docs\/chapters\/[^/]+\/(good|bad)\//.test(file)

/** Syntax that cmd.exe, PowerShell and POSIX shells do not all support, or interpret differently. */
const SHELL_SYNTAX = [
  [/[;&|<>()`$'^%~!#{}]/, 'a character that a shell interprets'],
  [/^(\w+=|(env|exec|nice|time|nohup|sudo|source|export|set|sh|bash|zsh)\b)/, 'a word of one shell'],
  // On Windows, the programs in node_modules/.bin can be started only by cmd.exe. npm's scripts are.
  [/cli\.ts (run|hold)\b.* -- (?!node )/, 'a program after `--` other than node'],
  [/(?<!=)\.\/node_modules\/\.bin|\\/, 'a path of one system'],
] as const

const findFault = (script: string) => SHELL_SYNTAX.find(([pattern]) => pattern.test(script))?.[1]

t.test('each npm script means the same in cmd.exe, PowerShell and a POSIX shell', async (t) => {
  const manifests = files.filter((file) => /(^|\/)package\.json$/.test(file) && !isAnswer(file))
  t.ok(manifests.length > 20)
  for (const file of manifests) {
    const { scripts = {} } = JSON.parse(readFileSync(join(CHECKOUT, file), 'utf8'))
    for (const [name, script] of Object.entries<string>(scripts))
      if (name !== 'db:reset') t.equal(findFault(script), undefined, `${file}: ${name}`)
  }
})

t.test('a script with the syntax of one shell is found', async (t) => {
  for (const script of [
    'exec node server.js',
    'env LEVEL=debug node server.js',
    'LEVEL=debug node server.js',
    'node build.js && node server.js',
    'nice node build.js',
    'sh -c "node server.js"',
    'node server.js $PORT',
    "node -e '1'",
    'node tools/postgres/src/cli.ts run --temporary -- tap',
  ])
    t.type(findFault(script), 'string', script)
})

const readText = (file: string) => readFileSync(join(CHECKOUT, file), 'utf8')

/** The programs that Windows starts by their names. It does not start `npm`, which is a script of cmd.exe there. */
const PORTABLE_PROGRAMS = ['node', 'git']

/** Returns the other programs that a file starts by their names, and `a shell` if it starts one. */
function findPrograms(text: string): string[] {
  const usesShell = /\bshell: true/.test(text)
  if (!text.includes('node:child_process')) return usesShell ? ['a shell'] : []
  const functions = text.includes('run = promisify(execFile)') ? 'run|spawn|execFile' : 'spawn|execFile'
  const patterns = [
    `(?<![\\w.#])(?:${functions})(?:Sync)?\\(\\s*'([^']+)'`,
    // A command as a list.
    "[[ ]'(sh|bash|env|exec|nice|npm|npx)'[,\\]]",
    'node_modules/(\\.bin)/',
  ].map((pattern) => new RegExp(pattern, 'g'))
  const programs = patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name]) => `${name}`))
  if (usesShell || /(?<![\w.#])exec(Sync)?\(/.test(text)) programs.push('a shell')
  return [...new Set(programs)].filter((name) => !PORTABLE_PROGRAMS.includes(name))
}

/** The files that may start other programs, by a part of their path, with the reason. */
const STARTS_OTHERS: Readonly<Record<string, string>> = {
  '/platform/': 'is the implementation for one system',
  '/system/': 'tests with programs of Debian',
  '/long/': 'tests with programs of Debian',
  '.ci/pack.js': 'starts `npm` only outside npm scripts, and otherwise with Node',
  'docs/chapters/01-running-the-server/check.test.ts':
    'runs scripts of npm in the shell of the system, as npm does',
  'docs/chapters/16-nginx-and-processes/nginx.ts': 'runs nginx, and the chapter is for WSL',
  'docs/chapters/17-continuous-integration/runner.ts':
    'runs the steps of a job for Linux, and the chapter is for WSL',
  'docs/check/shell.ts': 'runs the commands of the pages in tests',
  'test-support/consumer.ts': 'installs packages for tests in `system` and `long`',
  'test-support/chromium.ts': 'finds the browser of Debian for tests in `system`',
  'test-support/wine.ts': 'runs Wine for tests in `system` and `long`',
  'tools/postgres/test/support.ts': 'tests the implementation for POSIX systems',
  'tools/challenge/src/server-process.ts': 'runs the command of a learner in the shell of the system',
}

t.test('no other file starts a program that Windows does not start', async (t) => {
  const starting = files.filter(
    (file) =>
      /\.[cm]?[jt]s$/.test(file) &&
      !isAnswer(file) &&
      !import.meta.url.endsWith(file) &&
      findPrograms(readText(file)).length > 0,
  )
  const hasReason = (file: string) => Object.keys(STARTS_OTHERS).some((part) => file.includes(part))
  t.same(
    starting.filter((file) => !hasReason(file)),
    [],
  )
  for (const [part, reason] of Object.entries(STARTS_OTHERS))
    t.ok(
      starting.some((file) => file.includes(part)),
      `${part} ${reason}`,
    )
})

t.test('a program that Windows does not start is found', async (t) => {
  const find = (code: string) => findPrograms(`import … from 'node:child_process'\n${code}`)
  t.same(find("spawn('nice', ['node', 'build.js'])"), ['nice'])
  t.same(find("spawnSync(node, [...run, 'sh', '-c', tap])"), ['sh'])
  t.same(find("execFileSync(\n  'npm',\n  ['install'])"), ['npm'])
  t.same(find('spawn(command, { shell: true })'), ['a shell'])
  t.same(find("execSync('tsc -b')"), ['a shell'])
  t.same(find("const run = promisify(execFile)\nrun('ps', [])"), ['ps'])
  t.same(find("spawn(join(CHECKOUT, 'node_modules/.bin/tap'))"), ['.bin'])
  t.same(find("spawn(process.execPath, [])\nspawn('node', [])\npattern.exec('sh')\nrun('sh')"), [])
})

/** The files that choose the implementation for a system. */
const CHOICES = ['tools/postgres/src/platform/index.ts', 'tools/processes/platform/index.js']

const asksForSystem = (text: string) =>
  /process\.platform|\bos\.platform\(|\bplatform\(\)|\bplatform\b[^(){}]*\} = process\b/.test(text)

t.test('only two files ask for the system', async (t) => {
  const asking = files.filter(
    (file) => /\.[cm]?[jt]s$/.test(file) && !import.meta.url.endsWith(file) && asksForSystem(readText(file)),
  )
  t.same(asking.sort(), [
    // Its error message names the system.
    'packages/auth-hash/src/bcrypt.ts',
    ...CHOICES,
  ])
})

t.test('a question for the system is found', async (t) => {
  for (const text of [
    "process.platform === 'win32'",
    'os.platform()',
    'function open({ env, platform } = process) {',
  ])
    t.ok(asksForSystem(text), text)
  t.notOk(asksForSystem("import { platform } from './platform/index.ts'"))
})
