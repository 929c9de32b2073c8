import { resolve } from 'node:path'
import t from 'tap'
import { CHECKOUT, type Page, readBlocks, readPage, readPages } from '../check/pages.ts'

// The commands that a learner types are the same in the Command Prompt, in PowerShell and in a POSIX shell.

/** The programs that each terminal starts by their names. */
const PROGRAMS = ['cd', 'code', 'curl', 'git', 'node', 'npm', 'npx', 'winget', 'wsl']

/** Code within a sentence that is a command. */
const COMMAND = /^(?:[A-Z_]+=\S+ )*(?:cd|curl|cp|export|node|npm|npx|read|rm|set|unset) /

/** The commands that differ: the page, how they begin, and the reason. */
const DIFFERENT: readonly (readonly [page: string, start: string, reason: string])[] = [
  ['README.md', '# ', 'a comment of the tour, which is for a POSIX shell'],
  ['README.md', 'curl ', 'JSON in the tour, which is for a POSIX shell'],
  ['README.md', 'TOKEN=$(curl ', 'the tour, which is for a POSIX shell, keeps a token'],
  [
    'docs/chapters/16-nginx-and-processes/README.md',
    "curl -s -w '\\n' --interface",
    'the chapter is for WSL',
  ],
  ['docs/chapters/17-continuous-integration/README.md', 'bash ', 'the steps of a job for Linux'],
  ['docs/chapters/17-continuous-integration/README.md', 'npm test |', 'a step of a job for Linux'],
  ['docs/class/03.md', 'cp ', 'the presenter copies a file'],
  ['docs/class/03.md', 'rm ', 'the presenter deletes a file'],
  ['docs/class/04a.md', 'curl ', 'the presenter uses the token in a variable'],
  ['docs/class/04a.md', 'read ', 'the presenter keeps a token'],
  ['docs/class/05a.md', 'PORT=eighty ', 'the presenter sets variables for the service'],
  ['docs/class/06.md', 'curl ', 'the presenter uses the token in a variable'],
  ['docs/class/06.md', 'read ', 'the presenter keeps a token'],
  ['docs/class/07.md', 'node ', 'the presenter uses the token in a variable'],
  ['docs/class/07.md', 'read ', 'the presenter keeps a token'],
  ['docs/class/08.md', 'curl ', 'the presenter uses the token in a variable'],
  ['docs/class/08.md', 'read ', 'the presenter keeps a token'],
  ['docs/class/13.md', 'curl ', 'the presenter uses the token in a variable'],
  ['docs/class/13.md', 'read ', 'the presenter keeps a token'],
  ['docs/class/16.md', 'curl ', 'the presenter reads the key of X-ray from its file'],
  ['docs/class/README.md', 'HOST=0.0.0.0 ', 'the presenter sets a variable for the service'],
  ['docs/class/17.md', 'npm test |', 'a step of a job for Linux'],
  ['docs/start/terminal.md', 'LOG_LEVEL=debug ', 'the page explains the three forms'],
  ['docs/start/terminal.md', 'set LOG_LEVEL=debug', 'the page explains the three forms'],
]

const isOfLearner = ({ name }: Page) =>
  /^(README\.md|docs\/(README\.md|(start|chapters|class)\/.+))$/.test(name)

/** Returns the commands in the blocks of a page and in its sentences. */
function readCommands(text: string): string[] {
  const blocks = readBlocks(text).filter(
    ({ language, info }) => language === 'sh' && !info.startsWith('file='),
  )
  const lines = blocks.flatMap(({ code }) => code.replaceAll('\\\n', '\\ ').split('\n'))
  const prose = text.replaceAll(/^ *```.*?^ *```$/gms, '')
  const inSentences = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  return [...lines.filter((line) => line !== ''), ...inSentences.filter((code) => COMMAND.test(code))]
}

/** Returns the part of a command that not all terminals interpret in the same way, or undefined. */
function findDifference(command: string): string | undefined {
  // A name that the reader replaces.
  const filled = command.replaceAll(/<\w+>|…/g, 'NAME')
  // Within double quotes, no terminal interprets `\n` and `%{name}`.
  const unquoted = filled.replaceAll(/"(?:[^"$`\\%!]|\\n|%(?!\w+%))*"/g, 'TEXT')
  const [program = ''] = unquoted.split(' ')
  if (!PROGRAMS.includes(program)) return program
  return /\/dev\/\w+|(?<= )@\S*|[^\w@./:=+ -]/.exec(unquoted)?.[0]
}

const pages = [...(await readPages()), await readPage(resolve(CHECKOUT, 'README.md'))].filter(isOfLearner)

for (const page of pages)
  t.test(`the commands of ${page.name} are the same in each terminal, or have a reason`, async (t) => {
    const reasons = DIFFERENT.filter(([name]) => name === page.name)
    const different = readCommands(page.text).filter((command) => findDifference(command) !== undefined)
    const hasReason = (command: string) => reasons.some(([, start]) => command.startsWith(start))
    t.same(
      different.filter((command) => !hasReason(command)),
      [],
    )
    for (const [, start, reason] of reasons)
      t.ok(
        different.some((command) => command.startsWith(start)),
        `${start}: ${reason}`,
      )
    if (reasons.length > 0 && !/WSL|docs\/class\//.test(`${page.name} ${page.text}`))
      t.match(page.text, /Git Bash/, 'the page says where its commands work')
  })

t.test('a command that differs is found', async (t) => {
  for (const command of [
    'npm install && npm test',
    'PORT=3001 npm start',
    "curl -d '{}' http://127.0.0.1:3000/",
    'curl -d "{\\"a\\": 1}" http://127.0.0.1:3000/',
    'curl http://127.0.0.1:3000/?a=1&b=2',
    'curl -d @file.json http://127.0.0.1:3000/',
    'curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:3000/',
    'curl -H "Authorization: Bearer %TOKEN%" http://127.0.0.1:3000/',
    'curl -o /dev/null http://127.0.0.1:3000/',
    'npx @auth-primer/jwt-kit explain',
    'node -p 1 | cat',
    'npm \\ start',
    '# a comment',
    'ls',
  ])
    t.type(findDifference(command), 'string', command)
})

t.test('a command that all terminals understand has no difference', async (t) => {
  for (const command of [
    'npm run learn -- run 01 steps/levels.ts LOG_LEVEL=debug',
    'curl -s -w " %{http_code}\\n" http://127.0.0.1:3000/ -H "origin: http://a.example" -d "@a.json"',
    "node -p \"Buffer.from('aGk', 'base64url').toString()\"",
    'npm run db:make -- <name>',
    'npx tsx file.ts',
  ])
    t.equal(findDifference(command), undefined, command)
})

t.test('commands are read from blocks and from sentences', async (t) => {
  t.same(
    readCommands('Run `npm start` or `PORT=1 npm start`, not `start`.\n\n```sh\nnpm \\\n  test\n```\n'),
    ['npm \\   test', 'npm start', 'PORT=1 npm start'],
  )
})
