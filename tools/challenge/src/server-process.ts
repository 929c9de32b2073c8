// Starts, stops and kills the server under test, with the command that the learner gives.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { signalTree, treeOptions } from '@auth-primer/tool-processes'
import { send } from './http.ts'

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 10_000
const POLL_MS = 100

export class ServerProcess {
  readonly #command: string
  readonly #url: URL
  /** Added to that of this process. */
  readonly #environment: NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  #output = ''

  constructor(command: string, url: URL, environment: NodeJS.ProcessEnv = {}) {
    this.#command = command
    this.#url = url
    this.#environment = environment
  }

  /** Starts the server, and waits until it responds. */
  async start(): Promise<void> {
    if (await this.#responds())
      throw new Error(
        `A server is already responding at ${this.#url.origin}. Stop it, because \`--command\` starts the server itself.`,
      )
    const child = spawn(this.#command, {
      shell: true,
      // everything that the shell starts ends with it
      ...treeOptions,
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#output = `${this.#output}${chunk}`.slice(-2_000)
      })
    let hasEnded = false
    child.once('exit', () => {
      hasEnded = true
    })
    for (const giveUpAt = Date.now() + START_TIMEOUT_MS; Date.now() < giveUpAt; await sleep(POLL_MS)) {
      if (hasEnded) throw new Error(`The command exited on its own. Its last output:\n${this.#output.trim()}`)
      if (await this.#responds()) return
    }
    await this.kill()
    throw new Error(
      `The command was started, but nothing responded at ${this.#url.origin} within ${START_TIMEOUT_MS / 1_000} seconds.`,
    )
  }

  /** Kills the server as a crash would: it gets no chance to clean up. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Asks the server to stop, and kills it if it does not. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const timer = setTimeout(() => this.#signal('SIGKILL'), STOP_TIMEOUT_MS)
    await this.#end('SIGTERM')
    clearTimeout(timer)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    this.#signal(signal, child)
    await exit
    // what the shell started may outlive it
    this.#signal('SIGKILL', child)
  }

  #signal(signal: NodeJS.Signals, child = this.#child): void {
    if (child?.pid !== undefined) signalTree(child.pid, signal)
  }

  async #responds(): Promise<boolean> {
    const sent = { method: 'GET', path: '/', headers: {}, body: undefined }
    return send(this.#url, sent).then(
      () => true,
      () => false,
    )
  }
}
