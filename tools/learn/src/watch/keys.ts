import { emitKeypressEvents, type Key } from 'node:readline'

/** The lines by which each key scrolls. */
export const SCROLL_LINES: Readonly<Record<string, number>> = {
  up: -1,
  down: 1,
  pageup: -10,
  pagedown: 10,
  home: -1e6,
  end: 1e6,
}

/** Calls `onKey` with each key: a letter, or a name such as `up` and `return`. `closed` means that the input has ended. */
export function readKeys(input: NodeJS.ReadStream, onKey: (key: string) => void): () => void {
  if (!input.isTTY) return readLines(input, onKey)
  const onKeypress = (text: string | undefined, { name, ctrl }: Key) => {
    if (ctrl) onKey(name === 'c' || name === 'd' ? 'q' : '')
    else onKey(name && name.length > 1 ? name : (text ?? ''))
  }
  const end = () => onKey('closed')
  emitKeypressEvents(input)
  input.setRawMode(true)
  input.on('keypress', onKeypress).once('end', end).resume()
  return () => {
    input.off('keypress', onKeypress).off('end', end)
    input.setRawMode(false)
    input.pause()
  }
}

/** Reads each letter from a pipe as a key. */
function readLines(input: NodeJS.ReadStream, onKey: (key: string) => void): () => void {
  const onData = (text: string) => {
    for (const letter of text.replaceAll(/\s/g, '')) onKey(letter)
  }
  const end = () => onKey('closed')
  input.setEncoding('utf8').on('data', onData).once('end', end).once('error', end)
  return () => {
    input.off('data', onData).off('end', end)
    input.destroy()
  }
}
