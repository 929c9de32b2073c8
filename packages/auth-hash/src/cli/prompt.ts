import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Writable } from 'node:stream'
import { CommandError } from './command-error.ts'

/** The streams of a command: those of a process, or of a test. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable
  readonly stderr: Writable
}

export interface Prompt {
  /** Reads a line that may be seen while it is typed. */
  ask(question: string): Promise<string>
  /** Reads a line that may not. */
  askHidden(question: string): Promise<string>
  /** Stops reading, so that the process can end before its standard input does. */
  close(): Promise<unknown>
}

/** Asks a person at a terminal, or takes the lines of a pipe or file one by one. */
export function createPrompt({ stdin, stderr }: Terminal): Prompt {
  if (stdin.isTTY) {
    const nothing = new Writable({ write: (_chunk, _encoding, done) => done() })
    return {
      ask: (question) => type(question, stdin, stderr, stderr),
      askHidden: (question) => type(question, stdin, stderr, nothing),
      close: async () => {},
    }
  }
  const lines = readLines(stdin)
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new CommandError(2, 'Expected another line on standard input')
    return value
  }
  return { ask: next, askHidden: next, close: () => lines.return() }
}

/** readline puts the terminal into raw mode, which shows nothing, and shows what is typed on `echo`. */
function type(question: string, stdin: Readable, stderr: Writable, echo: Writable): Promise<string> {
  stderr.write(question)
  const terminal = createInterface({ input: stdin, output: echo, terminal: true, historySize: 0 })
  return new Promise<string>((resolve, reject) => {
    terminal.once('line', resolve)
    terminal.once('SIGINT', () => reject(new CommandError(130, 'Interrupted')))
    terminal.once('close', () => reject(new CommandError(2, 'Nothing was typed')))
  }).finally(() => {
    terminal.close()
    if (echo !== stderr) stderr.write('\n')
  })
}

async function* readLines(stdin: Readable): AsyncGenerator<string, void> {
  let rest = Buffer.alloc(0)
  for await (const chunk of stdin) {
    rest = Buffer.concat([rest, Buffer.from(chunk)])
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      yield decode(rest.subarray(0, end))
      rest = rest.subarray(end + 1)
    }
  }
  if (rest.length > 0) yield decode(rest)
}

/** Bytes that are not UTF-8 must not become replacement characters, which would make different passwords equal. */
function decode(line: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line).replace(/\r$/, '')
  } catch {
    throw new CommandError(2, 'Expected standard input to be UTF-8')
  }
}
