import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findChapter, readChapters } from './chapters.ts'
import { check } from './check.ts'
import { withPostgres } from './postgres.ts'
import { textOf } from './print.ts'
import { run } from './run.ts'

const HELP = `The exercises of the chapters in docs/chapters.

  npm run learn -- list                     the chapters
  npm run learn -- check 05                 check your work in the chapter's exercise/
  npm run learn -- check 05 --hints 2       the same, with so many hints (1 to 3) where a claim does not hold
  npm run learn -- check 05 --attempt solution    another folder of the chapter: solution, bad/plain-text
  npm run learn -- run 05 steps/two-hashes.ts    run a file of the chapter, with a database of its own if it has tables

Where a chapter needs Postgres, the embedded one is used, or that of DATABASE_URL.
`

async function main(args: string[]): Promise<number> {
  // What follows the file that is to be run belongs to it.
  if (args[0] === 'run' && !isHelp(args[1])) return runFile(args.slice(1))
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      attempt: { type: 'string', default: 'exercise' },
      hints: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  })
  const [verb, name, ...rest] = positionals
  if (values.help || verb === undefined) return say(HELP)
  if (verb === 'list' && name === undefined) return list()
  if (verb === 'check' && name !== undefined && rest.length === 0)
    return checkChapter(name, values.attempt, hintsOf(values.hints))
  if (verb === 'check' && name === undefined) throw new Error(`Expected a chapter\n\n${HELP}`)
  throw new Error(`Not a command: ${args.join(' ')}\n\n${HELP}`)
}

const isHelp = (word: string | undefined) => word === '--help' || word === '-h'

function say(text: string): number {
  process.stdout.write(text)
  return 0
}

async function list(): Promise<number> {
  const chapters = await readChapters()
  return say(chapters.map(({ number, title }) => `${number}  ${title}\n`).join(''))
}

async function checkChapter(name: string, attempt: string, hints: number): Promise<number> {
  const chapter = await findChapter(name)
  if (!existsSync(resolve(chapter.folder, attempt)))
    throw new Error(`There is no folder ${attempt} in ${chapter.folder}`)
  const verdict = await withPostgres(chapter, (postgresUrl) => check(chapter, { attempt, postgresUrl }))
  say(textOf(chapter, verdict, hints))
  return verdict.passed ? 0 : 1
}

function hintsOf(text: string): number {
  if (/^[0-3]$/.test(text)) return Number(text)
  throw new Error('Expected `--hints` to be an integer from 0 to 3')
}

async function runFile([name, ...command]: string[]): Promise<number> {
  if (name === undefined || command.length === 0) throw new Error(`Expected a chapter and a file\n\n${HELP}`)
  const chapter = await findChapter(name)
  return withPostgres(chapter, (postgresUrl) => run(chapter, command, postgresUrl))
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  return 1
})
