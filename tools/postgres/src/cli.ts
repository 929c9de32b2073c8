import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { hold, psql, reset, run, show, start, status, stop } from './commands.ts'

const HELP = `The embedded Postgres of this checkout.

  start                        start it, print its URL, and keep it running until "stop"
  stop [--force]               stop it; fails while processes use it, unless you use --force
  status                       print whether it is running (exit code 0, otherwise 3), and how many processes use it
  reset [--force]              delete its data; fails while processes use it, unless you use --force
  show [<table> [<rows>]]      print the tables, or the first rows of a table
  psql -- […]                  run psql with these arguments; without psql installed, only -c "<statement>"
  run -- <command> […]         run a command with DATABASE_URL set to it
  run --temporary -- <command> run a command with TEST_POSTGRES_URL set to a new one, deleted afterwards
  hold -- <command> […]        keep it running while a command runs

Its data is in AUTH_PRIMER_DATA_DIR (.data in the checkout), read from the environment or .env.
With DATABASE_URL set, "show", "psql", "run" and "hold" use that database and do not start the embedded one.
`

async function main(argv: readonly string[]): Promise<void> {
  const split = argv.indexOf('--')
  const { values, positionals } = parseArgs({
    args: split < 0 ? [...argv] : argv.slice(0, split),
    allowPositionals: true,
    options: {
      force: { type: 'boolean', default: false },
      temporary: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  })
  if (values.help) return void process.stdout.write(HELP)
  if (existsSync('.env')) process.loadEnvFile()
  const command = split < 0 ? [] : argv.slice(split + 1)
  if (positionals[0] === 'show') return show(...parseShow(positionals.slice(1)))
  const verb = positionals.length === 1 ? positionals[0] : undefined
  if (verb === 'psql') return psql(command.length > 0 ? command : readNpmOption())
  if (command.length > 0) {
    if (verb === 'run') return run(command, values.temporary)
    if (verb === 'hold') return hold(command)
  } else {
    if (verb === 'start') return start()
    if (verb === 'stop') return stop(values.force)
    if (verb === 'status') return status()
    if (verb === 'reset') return reset(values.force)
  }
  throw new Error(`Unknown command: ${argv[0] ?? '(none)'}\n\n${HELP}`)
}

function parseShow([table, rows, ...others]: readonly string[]): [string | undefined, number | undefined] {
  if (others.length > 0 || (rows !== undefined && !/^[1-9]\d{0,5}$/.test(rows)))
    throw new Error('Expected a table and a number of rows, such as `npm run db:show users 50`')
  return [table, rows === undefined ? undefined : Number(rows)]
}

/** Reads the statement of `npm run db:psql -c "…"`: without ` -- ` before it, npm takes `-c` as an option of its own. */
function readNpmOption(): readonly string[] {
  const statement = process.env.npm_config_call
  return statement ? ['-c', statement] : []
}

await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
