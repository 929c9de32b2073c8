import type { RemoteAlgorithm } from './algorithms.ts'
import type { JwtRemoteErrorCode } from './errors.ts'
import { readKeySet, type VerificationKey } from './key-set.ts'

/** Bounds of one request for a key set. */
export interface FetchLimits {
  readonly timeoutMs: number
  readonly maxBytes: number
}

/** The reason why a key set could not be fetched. */
export class FetchFailure extends Error {
  readonly code: JwtRemoteErrorCode

  constructor(code: JwtRemoteErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/**
 * Fetches a key set, and reads the keys that can verify. It does not follow redirects: the response of another address is
 * not the provider's.
 *
 * @throws {FetchFailure}
 */
export async function fetchKeySet(
  url: string,
  algorithms: readonly RemoteAlgorithm[],
  { timeoutMs, maxBytes }: FetchLimits,
): Promise<readonly VerificationKey[]> {
  const signal = AbortSignal.timeout(timeoutMs)
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'manual',
    signal,
  }).catch((cause) => {
    throw unavailable(signal.aborted ? TIMED_OUT : 'The provider’s key set cannot be reached', cause)
  })
  if (response.status !== 200) {
    response.body?.cancel().catch(() => {})
    throw unavailable(`The request for the provider’s key set got status ${response.status}`)
  }
  const text = await readText(response, maxBytes).catch((cause) => {
    if (cause instanceof FetchFailure) throw cause
    throw unavailable(
      signal.aborted ? TIMED_OUT : 'The provider’s key set was not received completely',
      cause,
    )
  })
  const keys = readKeySet(parse(text), algorithms)
  if (keys.length > 0) return keys
  throw invalid('The provider’s key set has no key that can verify with an allowed algorithm')
}

const TIMED_OUT = 'The request for the provider’s key set timed out'

async function readText({ body }: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  // Counted after decompression: a small compressed body can become a large one.
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength
    if (length > maxBytes) throw invalid(`The provider’s key set has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('The provider’s key set is not JSON')
  }
}

function unavailable(message: string, cause?: unknown): FetchFailure {
  return new FetchFailure('JWT_REMOTE_UNAVAILABLE', message, cause)
}

function invalid(message: string): FetchFailure {
  return new FetchFailure('JWT_REMOTE_INVALID_JWKS', message)
}
