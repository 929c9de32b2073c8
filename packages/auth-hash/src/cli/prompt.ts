import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Writable } from 'node:stream'
import { CommandError } from './command-error.ts'

/** Where a command reads and writes: a process, or what stands in for one. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable
  readonly stderr: Writable
}

export interface Prompt {
  /** A line that may be seen while it is typed. */
  ask(question: string): Promise<string>
  /** A line that may not. */
  askHidden(question: string): Promise<string>
}

/** Asks a person at a terminal, or takes the lines of a pipe or file one by one. */
export function createPrompt({ stdin, stderr }: Terminal): Prompt {
  if (!stdin.isTTY) {
    const lines = linesOf(stdin)
    const next = async () => {
      const line = (await lines).shift()
      if (line === undefined) throw new CommandError(2, 'Expected another line on standard input')
      return line
    }
    return { ask: next, askHidden: next }
  }
  return {
    ask: (question) => type(question, stdin, stderr, stderr),
    askHidden: (question) =>
      type(question, stdin, stderr, new Writable({ write: (_chunk, _encoding, done) => done() })),
  }
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

/** Bytes that are no UTF-8 must not become replacement characters, which would make different passwords equal. */
async function linesOf(stdin: Readable): Promise<string[]> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk))
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
    return text.replace(/\r?\n$/, '').split(/\r?\n/)
  } catch {
    throw new CommandError(2, 'Expected standard input to be UTF-8')
  }
}
