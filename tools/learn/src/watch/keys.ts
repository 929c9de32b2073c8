import { emitKeypressEvents, type Key } from 'node:readline'

/** Calls back with each key: a letter, or a name such as `up` and `return`; with `closed` when no more can come. */
export function readKeys(input: NodeJS.ReadStream, onKey: (key: string) => void): () => void {
  if (!input.isTTY) return readLines(input, onKey)
  const hear = (text: string | undefined, { name, ctrl }: Key) => {
    if (ctrl) onKey(name === 'c' || name === 'd' ? 'q' : '')
    else onKey(name && name.length > 1 ? name : (text ?? ''))
  }
  const end = () => onKey('closed')
  emitKeypressEvents(input)
  input.setRawMode(true)
  input.on('keypress', hear).once('end', end).resume()
  return () => {
    input.off('keypress', hear).off('end', end)
    input.setRawMode(false)
    input.pause()
  }
}

/** From a pipe each letter is a key. */
function readLines(input: NodeJS.ReadStream, onKey: (key: string) => void): () => void {
  const hear = (text: string) => {
    for (const letter of text.replaceAll(/\s/g, '')) onKey(letter)
  }
  const end = () => onKey('closed')
  input.setEncoding('utf8').on('data', hear).once('end', end).once('error', end)
  return () => {
    input.off('data', hear).off('end', end)
    input.destroy()
  }
}
