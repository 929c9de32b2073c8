import { parseArgs } from 'node:util'
import { ALGORITHMS, type Algorithm } from './algorithms.ts'
import { JwtKitError } from './errors.ts'
import { explainToken } from './explain.ts'
import { generateKey } from './keygen.ts'
import { keyring } from './keyring.ts'

/** What the command meets the world through. */
export interface CliWorld {
  /** All of standard input. */
  readonly stdin: () => Promise<string>
  readonly readFile: (path: string) => Promise<string>
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly now: () => number
}

export const HELP = `jwt-kit: explain tokens, make keys

  jwt-kit explain [<token>] [--original <token>] [--json]
      Explain a token, from the argument or from standard input. No key is needed, and the signature is not checked.
      With --original: which part and claim were changed since.

  jwt-kit keygen --alg <algorithm>
      Print a new key: a private key as PEM, or a secret for HS256. Keep it secret.

  jwt-kit jwks --alg <algorithm> <kid>=<file> …
      Print the public halves of the keys in the files, as a JSON Web Key Set. "-" reads standard input.

  jwt-kit --help

Algorithms: ${ALGORITHMS.join(', ')}.
Exit codes: 0 all is well; 1 the token cannot be read, or the key is not fit; 2 the command was not understood.
`

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  alg: { type: 'string' },
  original: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** A mistake in the command line, said as it is: it is about the command, and no secret. */
class Usage extends Error {}

/** Runs a command and gives its exit code. */
export async function run(args: readonly string[], world: CliWorld): Promise<number> {
  try {
    return await runCommand(args, world)
  } catch (problem) {
    if (problem instanceof Usage) {
      world.stderr(`jwt-kit: ${problem.message}. Try jwt-kit --help.\n`)
      return 2
    }
    if (!(problem instanceof JwtKitError)) throw problem
    world.stderr(`jwt-kit: ${problem.message}. ${problem.hint}\n`)
    return 1
  }
}

type Values = {
  readonly [N in keyof typeof OPTIONS]?: (typeof OPTIONS)[N]['type'] extends 'string' ? string : boolean
}

async function runCommand(args: readonly string[], world: CliWorld): Promise<number> {
  const { values, positionals } = parse(args)
  const [command, ...operands] = positionals
  if (values.help) {
    world.stdout(HELP)
    return 0
  }
  if (command === 'explain') return explain(operands, values, world)
  if (command === 'keygen') return keygen(operands, values, world)
  if (command === 'jwks') return jwks(operands, values, world)
  throw new Usage(command === undefined ? 'a command is missing' : 'there is no such command')
}

function parse(args: readonly string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch {
    throw new Usage('an option is not known, or misses its value')
  }
}

async function explain(
  operands: readonly string[],
  { original, json }: Values,
  world: CliWorld,
): Promise<number> {
  if (operands.length > 1) throw new Usage('explain takes one token')
  const token = (operands[0] ?? (await world.stdin())).trim()
  if (token === '') throw new Usage('a token is missing')
  const explanation = explainToken(token, { now: world.now, ...(original !== undefined && { original }) })
  world.stdout(`${json ? JSON.stringify(explanation, undefined, 2) : explanation.text}\n`)
  return explanation.verdict.code === 'JWT_KIT_MALFORMED' ? 1 : 0
}

function keygen(operands: readonly string[], values: Values, world: CliWorld): number {
  if (operands.length > 0) throw new Usage('keygen takes no operand')
  world.stdout(generateKey(algorithm(values)))
  return 0
}

async function jwks(operands: readonly string[], values: Values, world: CliWorld): Promise<number> {
  const alg = algorithm(values)
  if (operands.length === 0) throw new Usage('jwks takes <kid>=<file>, once a key')
  const entries = []
  for (const operand of operands) {
    const [, kid, path] = /^([^=]+)=(.+)$/.exec(operand) ?? []
    if (kid === undefined || path === undefined) throw new Usage('jwks takes <kid>=<file>')
    entries.push({ kid, key: await readKeyFile(path, world) })
  }
  world.stdout(`${JSON.stringify(keyring(alg, entries).jwks(), undefined, 2)}\n`)
  return 0
}

async function readKeyFile(path: string, world: CliWorld): Promise<string> {
  if (path === '-') return world.stdin()
  try {
    return await world.readFile(path)
  } catch {
    throw new Usage('a key file cannot be read')
  }
}

function algorithm({ alg }: Values): Algorithm {
  const found = ALGORITHMS.find((name) => name === alg)
  if (found !== undefined) return found
  throw new Usage(`--alg must be one of ${ALGORITHMS.join(', ')}`)
}
