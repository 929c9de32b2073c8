import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** How long a text may take to appear. */
const SCREEN_TIMEOUT_MS = 30_000

export interface Size {
  readonly columns?: number
  readonly rows?: number
}

export interface TerminalOptions extends Size {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** A terminal of tmux in which a shell command runs. */
export class Terminal {
  readonly #socket: string

  private constructor(socket: string) {
    this.#socket = socket
  }

  static async open(command: string, options: TerminalOptions): Promise<Terminal> {
    const { cwd, env, columns = 80, rows = 24 } = options
    const terminal = new Terminal(`learn-${process.pid}-${randomBytes(4).toString('hex')}`)
    const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    const size = ['-x', `${columns}`, '-y', `${rows}`]
    // Keeps the screen after the command has ended.
    const shell = `${command}; echo "exit code $?"; exec sleep 600`
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, '-c', cwd, ...variables, shell)
    return terminal
  }

  /** Presses keys, by tmux's names: `h`, `Down`, `Enter`, `C-c`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys)
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', `${columns}`, '-y', `${rows}`)
  }

  /** Returns what is on the screen, with `history` also what has scrolled off. */
  async text({ history = false } = {}): Promise<string> {
    const { stdout } = await this.#tmux('capture-pane', '-p', ...(history ? ['-S', '-'] : []))
    return stdout
  }

  /** Waits until the screen shows this text, and returns the screen. */
  async waitFor(wanted: string | RegExp, options?: { history: boolean }): Promise<string> {
    const deadline = Date.now() + SCREEN_TIMEOUT_MS
    for (;;) {
      const text = await this.text(options)
      if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) return text
      if (Date.now() > deadline) throw new Error(`The screen never showed ${wanted}. It shows:\n${text}`)
      await sleep(20)
    }
  }

  /** Ends everything that runs in it, as closing a window does. */
  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => {})
  }

  #tmux(...args: string[]) {
    const { TMUX, ...env } = process.env
    return run('tmux', ['-u', '-L', this.#socket, ...args], { env: { ...env, LC_ALL: 'C.UTF-8' } })
  }
}
