import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { signalTree, treeOptions } from '@auth-primer/tool-processes'
import type { Block } from './pages.ts'
import { freePort } from './program.ts'

/** How long one block may take. */
const BLOCK_TIMEOUT_MS = 90_000

export interface CommandResult {
  readonly command: string
  /** The output that the page shows, or `''` if it shows none. */
  readonly shown: string
  readonly printed: string
}

/**
 * Runs the shell blocks of a page as its reader does, one after the other in the folder of the checkout, and returns what
 * each printed. ```` ```sh server ```` is another terminal, which runs until the next one or the end of the page. A free
 * port replaces the page's port 3000.
 */
export async function runShell(
  blocks: readonly Block[],
  cwd: string,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): Promise<CommandResult[]> {
  const port = await freePort()
  const shell = new Shell(cwd, port, env)
  let server: Shell | undefined
  const results: CommandResult[] = []
  try {
    for (const [index, block] of blocks.entries()) {
      if (block.language !== 'sh' || block.info.startsWith('file=')) continue
      const next = blocks[index + 1]
      const shown = next?.info === 'output' ? next.code : ''
      if (block.info === 'server') {
        await server?.end()
        server = new Shell(cwd, port, env)
        server.type(block.code)
        results.push({ command: block.code, shown, printed: await server.waitForOutput(shown) })
      } else {
        results.push({ command: block.code, shown, printed: await shell.run(block.code) })
      }
    }
  } finally {
    await server?.end()
    await shell.end()
  }
  return results
}

/** Returns true if the output is as shown. `…` stands for any text in a line, and on a line by itself for any lines. */
export function matches(shown: string, printed: string): boolean {
  const pattern = shown
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '…' ? '(?:.*\n)*?' : `${escapeLine(line)}[ \t]*\n`))
    .join('')
  // HTTP's headers end in CR LF, which a terminal shows as one line break.
  const lines = printed.replaceAll('\r\n', '\n').trim()
  return new RegExp(`^${pattern}$`).test(`${lines}\n`)
}

const escapeLine = (line: string) =>
  line
    .trimEnd()
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*?')

/** A terminal in a folder of the checkout. Its commands use this port instead of 3000. */
export class Shell {
  readonly #child: ChildProcess
  readonly #port: number
  #printed = ''

  constructor(cwd: string, port: number, env: Readonly<NodeJS.ProcessEnv>) {
    this.#port = port
    this.#child = spawn('bash', ['-u'], {
      cwd,
      env: { ...env, PORT: `${port}`, npm_config_loglevel: 'silent', NO_COLOR: '1' },
      // Everything that a block has started ends with the shell.
      ...treeOptions,
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#printed += text
        this.#child.emit('output')
      })
    }
    // The test runner adds its own options to each process. They would load a hook before the loader of a command.
    this.type('unset NODE_OPTIONS')
  }

  /** The output since the last command that ran to its end. */
  get printed(): string {
    return this.#printed.replaceAll(`:${this.#port}`, ':3000')
  }

  type(code: string): void {
    this.#child.stdin?.write(`${code.replaceAll(/(127\.0\.0\.1|localhost):3000/g, `$1:${this.#port}`)}\n`)
  }

  /** Runs commands to their end, and returns what they printed. */
  async run(code: string): Promise<string> {
    const mark = `-- done ${Math.random()} --`
    this.#printed = ''
    this.type(`${code}\necho; echo '${mark}'`)
    const text = await this.#waitUntil((printed) => printed.includes(`${mark}\n`))
    return text.slice(0, text.indexOf(mark))
  }

  /** Waits for this output, and returns what was printed, also after the timeout. */
  waitForOutput(shown: string): Promise<string> {
    return this.#waitUntil((printed) => matches(shown, printed))
  }

  async end(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const closed = once(this.#child, 'close')
    signalTree(pid, 'SIGTERM')
    await closed
  }

  async #waitUntil(isEnough: (printed: string) => boolean): Promise<string> {
    const signal = AbortSignal.timeout(BLOCK_TIMEOUT_MS)
    const ended = once(this.#child, 'close', { signal })
    ended.catch(() => {})
    while (!isEnough(this.printed)) {
      const isOver = await Promise.race([
        once(this.#child, 'output', { signal }).then(() => false),
        ended.then(() => true),
      ]).catch(() => true)
      if (isOver) break
    }
    return this.printed
  }
}
