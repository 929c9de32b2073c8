import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { hold, reset, run, start, status, stop } from './commands.ts'

const HELP = `The embedded Postgres of this checkout.

  start                        start it, and let it run until "stop"
  stop [--force]               stop it; refuses while processes use it, unless forced
  status                       say whether it runs (exit code 0, else 3) and who uses it
  reset [--force]              delete its data; refuses as stop does
  run -- <command> […]         run a command with DATABASE_URL set to it
  run --temporary -- <command> run a command with TEST_POSTGRES_URL set to a new one, deleted afterwards
  hold -- <command> […]        keep it up while a command runs

Its data is in AUTH_PRIMER_DATA_DIR (.data in the checkout), read from the environment or .env.
With DATABASE_URL set, "run" and "hold" only run the command.
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
  const verb = positionals.length === 1 ? positionals[0] : undefined
  const command = split < 0 ? [] : argv.slice(split + 1)
  if (command.length > 0) {
    if (verb === 'run') return run(command, values.temporary)
    if (verb === 'hold') return hold(command)
  } else {
    if (verb === 'start') return start()
    if (verb === 'stop') return stop(values.force)
    if (verb === 'status') return status()
    if (verb === 'reset') return reset(values.force)
  }
  throw new Error(`Not a command: ${argv[0] ?? '(none)'}\n\n${HELP}`)
}

await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
