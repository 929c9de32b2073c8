import { parseArgs } from 'node:util'
import type { Scope } from '../../../test-support/process.ts'

/**
 * Runs one of the three commands: parses numeric options and `--help`, ends all that was started (on Ctrl-C too), and sets
 * exit code 1 if `work` resolves with false.
 */
export async function runProgram<Name extends string>(
  usage: string,
  defaults: Record<Name, number>,
  work: (options: Record<Name, number>, scope: Scope) => Promise<boolean>,
): Promise<void> {
  const options = readNumbers(usage, defaults)
  if (options === undefined) return
  const ends: (() => unknown)[] = []
  const end = async () => {
    for (const one of ends.splice(0).reverse()) await one()
  }
  const interrupted = new Promise<boolean>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(false))
  })
  try {
    const isWell = await Promise.race([
      work(options, { teardown: (one) => void ends.push(one) }),
      interrupted,
    ])
    if (!isWell) process.exitCode = 1
  } finally {
    await end()
  }
  // After an interrupt, `work` would go on.
  process.exit()
}

function readNumbers<Name extends string>(
  usage: string,
  defaults: Record<Name, number>,
): Record<Name, number> | undefined {
  const names = Object.keys(defaults) as Name[]
  try {
    const { values } = parseArgs({
      options: {
        help: { type: 'boolean', short: 'h' },
        ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      },
    })
    if (values.help) return void console.log(usage)
    const given = values as Partial<Record<Name, string>>
    return Object.fromEntries(
      names.map((name) => [name, readNumber(name, given[name], defaults[name])]),
    ) as Record<Name, number>
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exitCode = 1
    return undefined
  }
}

function readNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const isRight = name === 'minutes' ? /^\d+(\.\d+)?$/ : /^\d+$/
  if (!isRight.test(text)) throw new Error(`--${name} must be a ${name === 'minutes' ? '' : 'whole '}number`)
  if (Number(text) === 0 && !MAY_BE_ZERO.has(name)) throw new Error(`--${name} must be above 0`)
  return Number(text)
}

const MAY_BE_ZERO = new Set(['kills', 'restarts', 'seed'])

/** Returns a new seed. A run is repeated with the seed that it prints. */
export function createSeed(): number {
  return Math.floor(Math.random() * 2 ** 31)
}
