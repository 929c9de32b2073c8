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

/** The files that choose the implementation for a system. */
const CHOICES = ['tools/postgres/src/platform/index.ts', 'tools/processes/platform/index.js']

t.test('only two files ask for the system', async (t) => {
  const asking = files.filter(
    (file) =>
      /\.[cm]?[jt]s$/.test(file) &&
      !import.meta.url.endsWith(file) &&
      /process\.platform|\bos\.platform\(|\bplatform\(\)/.test(readFileSync(join(CHECKOUT, file), 'utf8')),
  )
  t.same(asking.sort(), [
    // Its error message names the system.
    'packages/auth-hash/src/bcrypt.ts',
    ...CHOICES,
  ])
})
