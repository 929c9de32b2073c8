const utf8 = new TextDecoder('utf-8', { fatal: true })

/** `undefined` where the bytes are no UTF-8: nothing is replaced by question marks. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Parsers of queries and forms take what they cannot decode as it stands. */
export function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
