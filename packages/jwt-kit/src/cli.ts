import { parseArgs } from 'node:util'
import { ALGORITHM_SPECS, ALGORITHMS, type Algorithm } from './algorithms.ts'
import { JwtKitError } from './errors.ts'
import { explainToken } from './explain.ts'
import { keyring } from './keyring.ts'

/** The I/O of the command, injectable for tests. */
export interface CliIo {
  /** Reads all of standard input. */
  readonly stdin: () => Promise<string>
  readonly readFile: (path: string) => Promise<string>
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly now: () => number
}

export const HELP = `jwt-kit: explain tokens, make keys

  npx @auth-primer/jwt-kit explain [<token>] [--original <token>] [--json]
      Explain a token, from the argument or from standard input. No key is needed, and the signature is not checked.
      With --original, also list the parts and claims that were changed.

  npx @auth-primer/jwt-kit keygen --alg <algorithm>
      Print a new key: a private key as PEM, or a secret for HS256, HS384 and HS512. Keep it secret.

  npx @auth-primer/jwt-kit jwks --alg <algorithm> <kid>=<file> …
      Print the public halves of the keys in the files, as a JSON Web Key Set. "-" reads standard input.

  npx @auth-primer/jwt-kit --help

These commands run in a project that has installed the package. In its repository, use \`npm run jwt --\` instead of npx.

Algorithms: ${ALGORITHMS.join(', ')}.
Exit codes: 0 success; 1 the token cannot be read, or the key cannot be used; 2 the command line is wrong.
`

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  alg: { type: 'string' },
  original: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** A mistake in the command line. Its message is about the command, and contains no secret. */
class Usage extends Error {}

/** Runs a command and returns its exit code. */
export async function run(args: readonly string[], io: CliIo): Promise<number> {
  try {
    return await runCommand(args, io)
  } catch (problem) {
    if (problem instanceof Usage) {
      io.stderr(`jwt-kit: ${problem.message}. Try --help.\n`)
      return 2
    }
    if (!(problem instanceof JwtKitError)) throw problem
    io.stderr(`jwt-kit: ${problem.message}. ${problem.hint}\n`)
    return 1
  }
}

type Values = {
  readonly [N in keyof typeof OPTIONS]?: (typeof OPTIONS)[N]['type'] extends 'string' ? string : boolean
}

async function runCommand(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parse(args)
  const [command, ...operands] = positionals
  if (values.help) {
    io.stdout(HELP)
    return 0
  }
  if (command === 'explain') return explain(operands, values, io)
  if (command === 'keygen') return keygen(operands, values, io)
  if (command === 'jwks') return jwks(operands, values, io)
  throw new Usage(command === undefined ? 'a command is missing' : 'there is no such command')
}

function parse(args: readonly string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch {
    throw new Usage('an option is unknown, or has no value')
  }
}

async function explain(operands: readonly string[], { original, json }: Values, io: CliIo): Promise<number> {
  if (operands.length > 1) throw new Usage('explain takes one token')
  const token = (operands[0] ?? (await io.stdin())).trim()
  if (token === '') throw new Usage('a token is missing')
  const explanation = explainToken(token, { now: io.now, ...(original !== undefined && { original }) })
  io.stdout(`${json ? JSON.stringify(explanation, undefined, 2) : explanation.text}\n`)
  return explanation.verdict.code === 'JWT_KIT_MALFORMED' ? 1 : 0
}

function keygen(operands: readonly string[], values: Values, io: CliIo): number {
  if (operands.length > 0) throw new Usage('keygen takes no operand')
  io.stdout(generateKey(readAlgorithm(values)))
  return 0
}

async function jwks(operands: readonly string[], values: Values, io: CliIo): Promise<number> {
  const alg = readAlgorithm(values)
  if (operands.length === 0) throw new Usage('jwks takes <kid>=<file> for each key')
  const entries = []
  for (const operand of operands) {
    const [, kid, path] = /^([^=]+)=(.+)$/.exec(operand) ?? []
    if (kid === undefined || path === undefined) throw new Usage('jwks takes <kid>=<file>')
    entries.push({ kid, key: await readKeyFile(path, io) })
  }
  io.stdout(`${JSON.stringify(keyring(alg, entries).jwks(), undefined, 2)}\n`)
  return 0
}

async function readKeyFile(path: string, io: CliIo): Promise<string> {
  if (path === '-') return io.stdin()
  try {
    return await io.readFile(path)
  } catch {
    throw new Usage('a key file cannot be read')
  }
}

function readAlgorithm({ alg }: Values): Algorithm {
  const found = ALGORITHMS.find((name) => name === alg)
  if (found !== undefined) return found
  throw new Usage(`--alg must be one of ${ALGORITHMS.join(', ')}`)
}

function generateKey(algorithm: Algorithm): string {
  const key = ALGORITHM_SPECS[algorithm].generate()
  if (key.type === 'secret') return `${key.export().toString('base64url')}\n`
  return String(key.export({ type: 'pkcs8', format: 'pem' }))
}
