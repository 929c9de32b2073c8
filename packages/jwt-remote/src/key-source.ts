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
}

/** How often keys are fetched. */
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
  return { current: async () => keys, newer: async () => undefined }
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

  // A clock that was set back makes everything old, not young.
  const isWithin = (at: number, ms: number) => now() >= at && now() - at < ms

  const fetchOnce = async () => {
    try {
      const keys = await fetchKeys()
      cached = { keys, at: now() }
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
      // Fetched ahead of time, so that a short outage of the provider is no outage of the service.
      if (!isWithin(cached.at, cacheMaxAgeMs / 2)) refresh().catch(() => {})
      return cached.keys
    },
    async newer() {
      return cached !== undefined && isWithin(cached.at, cooldownMs) ? undefined : refresh()
    },
  }
}

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
