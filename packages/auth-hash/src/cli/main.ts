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

const HELP = `Usage: auth-hash <command>

  hash [--cost ${DEFAULTS.cost}] [--scheme bcrypt]   hash a password
  verify [<hash>]                      check a password against a hash
  explain [<hash>]                     take a hash apart
  calibrate [--target 250ms]           the highest cost that takes no longer on this machine

A password is asked for without being shown, or is read from standard input: never from the arguments, which every
process of the machine can read. A hash that is not given is read too, before the password and from a line of its
own; where you give it, quote it in '…', since to a shell a $ means something.

Exit codes: 0 done, or the password is right; 1 it is wrong, or cannot be hashed, or there is no such hash; 2 wrong usage.
`

/**
 * Runs one command.
 *
 * @returns the exit code
 */
export function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const prompt = createPrompt(terminal)
  return run(args, terminal, prompt)
    .catch((error) => exitCodeOf(error, terminal))
    .finally(() => prompt.close())
}

async function run(args: readonly string[], terminal: Terminal, prompt: Prompt): Promise<number> {
  const { values, positionals } = read(args)
  const [name = '', ...rest] = positionals
  if (values.help) return say(terminal, HELP)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name as keyof typeof COMMANDS] : undefined
  if (command === undefined) throw new CommandError(2, 'Expected a command; see auth-hash --help')
  return command({ rest, values, terminal, prompt })
}

function exitCodeOf(error: unknown, terminal: Terminal): number {
  if (error instanceof CommandError) return fail(terminal, error, error.exitCode)
  if (!(error instanceof AuthHashError)) throw error
  return fail(terminal, error, error.code === 'AUTH_HASH_INVALID_OPTION' ? 2 : 1)
}

interface Call {
  readonly rest: readonly string[]
  readonly values: ReturnType<typeof read>['values']
  readonly terminal: Terminal
  readonly prompt: Prompt
}

const COMMANDS = {
  async hash({ rest, values, terminal, prompt }: Call) {
    if (rest.length > 0) throw new CommandError(2, 'Expected no argument: the password is asked for')
    // createHasher checks it.
    const scheme = values.scheme as Scheme
    const hasher = createHasher({ cost: Number(values.cost), scheme })
    const password = await prompt.askHidden('Password: ')
    if (terminal.stdin.isTTY && (await prompt.askHidden('Once more: ')) !== password) {
      throw new CommandError(1, 'The two passwords differ')
    }
    return say(terminal, await hasher.hash(password))
  },

  async verify({ rest, terminal, prompt }: Call) {
    const hash = await hashOf(rest, prompt)
    const verdict = await createHasher().verify({ password: await prompt.askHidden('Password: '), hash })
    if (!verdict.ok) return fail(terminal, { message: verdict.reason }, 1)
    return say(terminal, verdict.needsRehash ? 'right, and due for a better hash' : 'right')
  },

  async explain({ rest, terminal, prompt }: Call) {
    const { meaning, ...parts } = explain(await hashOf(rest, prompt))
    const lines = Object.entries(meaning).map(([name, sentence]) => {
      const value = parts[name as keyof typeof meaning] ?? 'none'
      return `${name.padEnd(8)}${value}\n        ${sentence}`
    })
    return say(terminal, lines.join('\n'))
  },

  async calibrate({ rest, values, terminal }: Call) {
    const [, amount, unit] = /^(\d{1,9})(ms|s)$/.exec(values.target) ?? []
    if (rest.length > 0 || amount === undefined) {
      throw new CommandError(2, 'Expected --target to be a time with its unit, as in 250ms or 1s')
    }
    return say(terminal, String(await calibrate({ targetMs: Number(amount) * (unit === 's' ? 1000 : 1) })))
  },
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        cost: { type: 'string', default: String(DEFAULTS.cost) },
        scheme: { type: 'string', default: 'bcrypt' },
        target: { type: 'string', default: '250ms' },
      },
    })
  } catch {
    throw new CommandError(2, 'Expected the options of auth-hash --help, each with its value')
  }
}

async function hashOf(rest: readonly string[], prompt: Prompt): Promise<string> {
  if (rest.length > 1) throw new CommandError(2, 'Expected one hash and no more')
  return rest[0] ?? (await prompt.ask('Hash: '))
}

function say({ stdout }: Terminal, text: string): number {
  stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

function fail({ stderr }: Terminal, { message }: { readonly message: string }, exitCode: number): number {
  stderr.write(`${message}\n`)
  return exitCode
}
