import { channels } from './channels.ts'
import { JwtRemoteError } from './errors.ts'
import { FetchFailure } from './fetch-key-set.ts'
import type { VerificationKey } from './key-set.ts'

/** Provides the keys of a provider. */
export interface KeySource {
  /** Returns the current keys. */
  current(): Promise<readonly VerificationKey[]>
  /** Returns newer keys for a token whose key is not among the current ones, or undefined if it is too early to ask again. */
  newer(): Promise<readonly VerificationKey[] | undefined>
  /** Notes that a key has verified a token, which proves that the set is that of the tokens' issuer. */
  prove(key: VerificationKey): void
  /** Returns an error if the current set is not proven, so a token is not to blame if its key is not in the set. */
  doubt(): JwtRemoteError | undefined
}

/** The times that determine how often keys are fetched. */
export interface FetchSchedule {
  /** Milliseconds for which fetched keys are used. */
  readonly cacheMaxAgeMs: number
  /** Milliseconds between two requests. */
  readonly cooldownMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The pause after a failed request. It doubles with each further failure, up to the cool-down. */
const FIRST_PAUSE_MS = 1000

/** Provides keys that do not change. */
export function fixedKeys(keys: readonly VerificationKey[]): KeySource {
  return { current: async () => keys, newer: async () => undefined, prove: () => {}, doubt: () => undefined }
}

/**
 * Provides keys that are fetched when they are first needed, cached, and fetched again if they are too old or a token names
 * another key. Requests that wait at the same time share one fetch. Failures are paused over too, so neither a flood of
 * tokens nor an outage makes more requests to the provider than the schedule allows.
 */
export function fetchedKeys(
  fetchKeys: () => Promise<readonly VerificationKey[]>,
  { cacheMaxAgeMs, cooldownMs, now }: FetchSchedule,
): KeySource {
  let cached: { readonly keys: readonly VerificationKey[]; readonly at: number } | undefined
  let failed: { readonly failure: FetchFailure; readonly at: number; readonly pauseMs: number } | undefined
  let pending: Promise<readonly VerificationKey[]> | undefined
  let proven: readonly VerificationKey[] = []

  // A clock that was set back makes everything old, not young.
  const isWithin = (at: number, ms: number) => now() >= at && now() - at < ms

  const fetchOnce = async () => {
    try {
      const keys = await fetchKeys()
      cached = { keys, at: now() }
      proven = keys.filter(({ key }) => proven.some((other) => other.key.equals(key)))
      failed = undefined
      channels.fetch.publish({ keys: keys.length })
      return keys
    } catch (failure) {
      if (!(failure instanceof FetchFailure)) throw failure
      const pauseMs = Math.min(cooldownMs, failed ? failed.pauseMs * 2 : FIRST_PAUSE_MS)
      failed = { failure, at: now(), pauseMs }
      channels.fetch.publish({ keys: 0, code: failure.code })
      throw unavailable(failed, now())
    } finally {
      pending = undefined
    }
  }

  const refresh = async () => {
    if (pending === undefined && failed !== undefined && isWithin(failed.at, failed.pauseMs))
      throw unavailable(failed, now())
    pending ??= fetchOnce()
    return pending
  }

  return {
    async current() {
      if (cached === undefined || !isWithin(cached.at, cacheMaxAgeMs)) return refresh()
      // Fetched ahead of time, so that a short outage of the provider is not an outage of the service.
      if (!isWithin(cached.at, cacheMaxAgeMs / 2)) refresh().catch(() => {})
      return cached.keys
    },
    async newer() {
      return cached !== undefined && isWithin(cached.at, cooldownMs) ? undefined : refresh()
    },
    prove(key) {
      if (cached?.keys.includes(key) && !proven.includes(key)) proven = [...proven, key]
    },
    doubt() {
      if (cached === undefined || proven.length > 0) return undefined
      const failure = new FetchFailure('JWT_REMOTE_INVALID_JWKS', UNPROVEN)
      return unavailable({ failure, at: cached.at, pauseMs: cooldownMs }, now())
    },
  }
}

const UNPROVEN =
  'The provider’s key set does not have the key of the token, and has not verified any token yet'

function unavailable(
  { failure, at, pauseMs }: { failure: FetchFailure; at: number; pauseMs: number },
  now: number,
): JwtRemoteError {
  return new JwtRemoteError(failure.code, failure.message, {
    hint: 'Try again. In the log, `cause` says more; check the option `jwksUri` and the network.',
    retryAfter: Math.max(1, Math.ceil((at + pauseMs - now) / 1000)),
    cause: failure,
  })
}
