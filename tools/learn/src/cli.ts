import { parseArgs } from 'node:util'
import { findChapter } from './chapters.ts'
import { checkOnce, listChapters, resetAllExercises, resetExercise, takeSolution } from './commands.ts'
import { withPostgres } from './postgres.ts'

const HELP = `The exercises of the chapters in docs/chapters.

  npm run learn                             show the next open exercise, and check it each time you save
  npm run learn -- --manual                 the same, but check it only when you press r
  npm run learn -- list                     list the chapters, and show which ones are done
  npm run learn -- check 05                 check your work in the chapter's exercise/ once
  npm run learn -- check 05 --hints 2       the same, with this many hints (0 to 3) if a check fails
  npm run learn -- check 05 --attempt solution    check another folder of the chapter, such as solution or bad/plain-text
  npm run learn -- run 05 steps/two-hashes.ts    run a file of the chapter, with a database of its own if it has tables
  npm run learn -- run 01 steps/levels.ts LOG_LEVEL=debug    the same, with an environment variable
  npm run learn -- solution 05              show a solution, and copy it to exercise/ if you say yes
  npm run learn -- reset 05                 reset exercise/ to its original files, if you say yes
  npm run learn -- reset all                the same for all chapters

\`solution\` and \`reset\` keep your files in the chapter's .backups/. With --yes, they do not ask you first.
If a chapter needs Postgres, the commands use the server in DATABASE_URL, or the embedded Postgres if it is not set.
`

async function main(args: string[]): Promise<number> {
  // The arguments after the file belong to the file.
  if (args[0] === 'run' && !isHelp(args[1])) return runFile(args.slice(1))
  const { values, positionals } = parse(args)
  const [verb, name, ...rest] = positionals
  if (values.help || verb === 'help') return print(HELP)
  if (verb === undefined) return watchUntilQuit(values.manual)
  if (verb === 'list' && name === undefined) return print(await listChapters())
  if (!['check', 'solution', 'reset'].includes(verb) || rest.length > 0)
    throw new Error(`Unknown command: ${args.join(' ')}\n\n${HELP}`)
  if (name === undefined)
    throw new Error(`Expected a chapter, such as \`npm run learn -- ${verb} 05\`\n\n${HELP}`)
  if (verb === 'reset' && name === 'all') return resetAllExercises(values.yes)
  const chapter = await findChapter(name)
  if (verb === 'check') return checkOnce(chapter, values.attempt, parseHints(values.hints))
  return verb === 'solution' ? takeSolution(chapter, values.yes) : resetExercise(chapter, values.yes)
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        attempt: { type: 'string', default: 'exercise' },
        hints: { type: 'string', default: '1' },
        // Without ` -- ` before it, npm reads it as npm's own option.
        manual: { type: 'boolean', default: process.env.npm_config_manual === 'true' },
        yes: { type: 'boolean', default: false, short: 'y' },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    })
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n\`npm run learn -- --help\` shows the commands.`)
  }
}

const isHelp = (word: string | undefined) => word === '--help' || word === '-h'

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

async function watchUntilQuit(isManual: boolean): Promise<number> {
  // Loaded only here, so the other commands start quickly.
  const { watch } = await import('./watch/watch.ts')
  await watch({ checksOnSave: !isManual })
  return 0
}

function parseHints(text: string): number {
  if (/^[0-3]$/.test(text)) return Number(text)
  throw new Error('Expected `--hints` to be an integer from 0 to 3')
}

async function runFile([name, ...command]: string[]): Promise<number> {
  if (name === undefined || command.length === 0) throw new Error(`Expected a chapter and a file\n\n${HELP}`)
  const chapter = await findChapter(name)
  const { runInForeground } = await import('./run.ts')
  return withPostgres(chapter, async (postgresUrl) => runInForeground(chapter, command, await postgresUrl))
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  return 1
})
