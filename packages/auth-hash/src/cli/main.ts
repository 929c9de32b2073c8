import { parseArgs } from 'node:util'
import { calibrate } from '../calibrate.ts'
import { createHasher } from '../create-hasher.ts'
import { AuthHashError } from '../errors.ts'
import { explain } from '../explain.ts'
import type { Scheme } from '../options.ts'
import { DEFAULTS } from '../options.ts'
import { CommandError } from './command-error.ts'
import type { Prompt, Terminal } from './prompt.ts'
import { createPrompt } from './prompt.ts'

const HELP = `Usage: npx @auth-primer/auth-hash <command>

  hash [--scheme bcrypt] [--cost ${DEFAULTS.cost}]   hash a password; other schemes: bcrypt-sha256, argon2id
  verify [<hash>]                      check a password against a hash
  explain [<hash>]                     take a hash apart
  calibrate [--target 250ms]           print the highest cost of bcrypt that takes no longer on this machine

In the repository auth-primer, the command is: npm run --silent hash -- <command>

The password is asked for without being shown, or is read from standard input. It is never taken from the arguments,
which every process of the machine can read. A hash that is not given is read, too, before the password and from its own
line. If you give it, quote it in '…', because a shell replaces $ and what follows.

Exit codes: 0 done, or the password is right; 1 it is wrong, or cannot be hashed, or the hash cannot be read; 2 wrong usage.
`

/**
 * Runs one command.
 *
 * @returns the exit code
 */
export function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const prompt = createPrompt(terminal)
  return run(args, terminal, prompt)
    .catch((error) => reportError(error, terminal))
    .finally(() => prompt.close())
}

async function run(args: readonly string[], terminal: Terminal, prompt: Prompt): Promise<number> {
  const { help, positionals, ...options } = readArguments(args)
  const [name = '', ...rest] = positionals
  if (help) return print(terminal, HELP)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name as keyof typeof COMMANDS] : undefined
  if (command === undefined) throw new CommandError(2, 'Expected a command; see --help')
  const { takes, run } = command
  for (const option of Object.keys(options)) {
    if (!takes.includes(option)) throw new CommandError(2, `Expected no --${option} with ${name}; see --help`)
  }
  return run({ rest, options, terminal, prompt })
}

function reportError(error: unknown, terminal: Terminal): number {
  if (error instanceof CommandError) return fail(terminal, error, error.exitCode)
  if (!(error instanceof AuthHashError)) throw error
  return fail(terminal, error, error.code === 'AUTH_HASH_INVALID_OPTION' ? 2 : 1)
}

interface Call {
  readonly rest: readonly string[]
  readonly options: Readonly<Partial<Record<'scheme' | 'cost' | 'target', string>>>
  readonly terminal: Terminal
  readonly prompt: Prompt
}

interface Command {
  /** The options that the command takes. */
  readonly takes: readonly string[]
  readonly run: (call: Call) => Promise<number>
}

const COMMANDS: Readonly<Record<'hash' | 'verify' | 'explain' | 'calibrate', Command>> = {
  hash: {
    takes: ['scheme', 'cost'],
    async run({ rest, options, terminal, prompt }) {
      if (rest.length > 0) throw new CommandError(2, 'Expected no argument: the password is asked for')
      if (options.scheme === 'argon2id' && options.cost !== undefined) {
        throw new CommandError(2, 'Expected no --cost with --scheme argon2id')
      }
      // createHasher checks both.
      const scheme = options.scheme as Scheme | undefined
      const hasher = createHasher({
        scheme,
        cost: options.cost === undefined ? undefined : Number(options.cost),
      })
      const password = await prompt.askHidden('Password: ')
      if (terminal.stdin.isTTY && (await prompt.askHidden('Once more: ')) !== password) {
        throw new CommandError(1, 'The two passwords differ')
      }
      return print(terminal, await hasher.hash(password))
    },
  },

  verify: {
    takes: [],
    async run({ rest, terminal, prompt }) {
      const hash = await readHash(rest, prompt)
      const verdict = await createHasher().verify({ password: await prompt.askHidden('Password: '), hash })
      if (!verdict.ok) return fail(terminal, { message: verdict.reason }, 1)
      return print(terminal, verdict.needsRehash ? 'right, and due for a better hash' : 'right')
    },
  },

  explain: {
    takes: [],
    async run({ rest, terminal, prompt }) {
      const { meaning, ...parts } = explain(await readHash(rest, prompt))
      const lines = Object.entries(meaning).map(([name, sentence]) => {
        const value = parts[name as keyof typeof parts] ?? 'none'
        return `${name.padEnd(13)}${value}\n             ${sentence}`
      })
      return print(terminal, lines.join('\n'))
    },
  },

  calibrate: {
    takes: ['target'],
    async run({ rest, options: { target = '250ms' }, terminal }) {
      const [, amount, unit] = /^(\d{1,9})(ms|s)$/.exec(target) ?? []
      if (rest.length > 0 || amount === undefined) {
        throw new CommandError(2, 'Expected --target to be a time with its unit, as in 250ms or 1s')
      }
      return print(
        terminal,
        String(await calibrate({ targetMs: Number(amount) * (unit === 's' ? 1000 : 1) })),
      )
    },
  },
}

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        cost: { type: 'string' },
        scheme: { type: 'string' },
        target: { type: 'string' },
      },
    })
    return { ...values, positionals }
  } catch {
    throw new CommandError(2, 'Expected the options that --help lists, each with its value')
  }
}

async function readHash(rest: readonly string[], prompt: Prompt): Promise<string> {
  if (rest.length > 1) throw new CommandError(2, 'Expected one hash and no more')
  return rest[0] ?? (await prompt.ask('Hash: '))
}

function print({ stdout }: Terminal, text: string): number {
  stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

function fail({ stderr }: Terminal, { message }: { readonly message: string }, exitCode: number): number {
  stderr.write(`${message}\n`)
  return exitCode
}
