import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Block } from './pages.ts'
import { freePort } from './program.ts'

/** How long one block may take, in milliseconds. */
const PATIENCE_MS = 90_000

export interface Ran {
  readonly command: string
  /** What the page says it prints; `''` where it shows nothing. */
  readonly shown: string
  readonly printed: string
}

/**
 * Runs the shell blocks of a page as its reader does, one after the other in the folder of the checkout, and tells what
 * each printed. ```` ```sh server ```` is another terminal, which runs until the next one or the end of the page. The page's
 * port 3000 is a free one.
 */
export async function runShell(blocks: readonly Block[], cwd: string): Promise<Ran[]> {
  const port = await freePort()
  const shell = new Shell(cwd, port)
  let server: Shell | undefined
  const ran: Ran[] = []
  try {
    for (const [index, block] of blocks.entries()) {
      if (block.language !== 'sh' || block.info.startsWith('file=')) continue
      const next = blocks[index + 1]
      const shown = next?.info === 'output' ? next.code : ''
      if (block.info === 'server') {
        await server?.end()
        server = new Shell(cwd, port)
        server.type(block.code)
        ran.push({ command: block.code, shown, printed: await server.says(shown) })
      } else {
        ran.push({ command: block.code, shown, printed: await shell.run(block.code) })
      }
    }
  } finally {
    await server?.end()
    await shell.end()
  }
  return ran
}

/** Whether that was printed: `…` stands for anything within a line, and alone on a line for any lines. */
export function matches(shown: string, printed: string): boolean {
  const pattern = shown
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '…' ? '(?:.*\n)*?' : `${literal(line)}[ \t]*\n`))
    .join('')
  return new RegExp(`^${pattern}$`).test(printed.trim() ? `${printed.trim()}\n` : '\n')
}

const literal = (line: string) =>
  line
    .trimEnd()
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*?')

class Shell {
  readonly #child: ChildProcess
  readonly #port: number
  #printed = ''

  constructor(cwd: string, port: number) {
    this.#port = port
    this.#child = spawn('bash', ['-u'], {
      cwd,
      env: { ...process.env, PORT: `${port}`, npm_config_loglevel: 'silent', NO_COLOR: '1' },
      // A group of its own, so that what a block has started ends with it.
      detached: true,
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#printed += text
        this.#child.emit('said')
      })
    }
  }

  type(code: string): void {
    this.#child.stdin?.write(`${code.replaceAll(/(127\.0\.0\.1|localhost):3000/g, `$1:${this.#port}`)}\n`)
  }

  /** Runs commands to their end, and answers with what they printed. */
  async run(code: string): Promise<string> {
    const mark = `-- done ${Math.random()} --`
    this.#printed = ''
    this.type(`${code}\necho; echo '${mark}'`)
    const text = await this.#until((printed) => printed.includes(`${mark}\n`))
    return text.slice(0, text.indexOf(mark))
  }

  /** Waits until that is printed, and answers with it; with what came instead if the time is over. */
  says(shown: string): Promise<string> {
    return this.#until((printed) => matches(shown, printed))
  }

  async end(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const closed = once(this.#child, 'close')
    process.kill(-pid, 'SIGTERM')
    await closed
  }

  async #until(isEnough: (printed: string) => boolean): Promise<string> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const ended = once(this.#child, 'close', { signal })
    ended.catch(() => {})
    const read = () => this.#printed.replaceAll(`:${this.#port}`, ':3000')
    while (!isEnough(read())) {
      const over = await Promise.race([
        once(this.#child, 'said', { signal }).then(() => false),
        ended.then(() => true),
      ]).catch(() => true)
      if (over) break
    }
    return read()
  }
}
