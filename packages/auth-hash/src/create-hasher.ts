import { channel } from 'node:diagnostics_channel'
import type { Hasher, HashOptions, Verdict, VerifyInput } from './hasher.ts'
import { judge } from './judge.ts'
import { make } from './make.ts'
import type { HasherOptions } from './options.ts'
import { parse } from './parse.ts'
import { assertString, faultOf, fits, formsOf, passwordError } from './password.ts'
import { createQueue } from './queue.ts'
import { targetOf } from './rehash.ts'
import { settingsOf } from './settings.ts'

/**
 * Makes a hasher: one for a process, since its limits share out the process's threads.
 *
 * @throws {AuthHashError} `AUTH_HASH_INVALID_OPTION`
 */
export function createHasher(options: HasherOptions = {}): Hasher {
  const settings = settingsOf(options)
  const queue = createQueue({ ...settings, now: () => performance.now() })

  return Object.freeze({
    async hash(password: string, { signal, key, slot }: HashOptions = {}) {
      assertString(password)
      const fault = faultOf(password)
      if (fault) throw passwordError(fault)
      const [normal] = formsOf(password)
      if (!fits(settings.scheme, normal)) throw passwordError('AUTH_HASH_PASSWORD_TOO_LONG')
      return queue.run(() => make(normal, targetOf(settings), settings), { signal, key, slot })
    },

    async verify({ password, hash, signal, key, slot, save }: VerifyInput) {
      assertString(password)
      const stored = parse(hash)
      if (stored && stored.cost > settings.maxCost) return publish({ ok: false, reason: 'cost-too-high' })
      const rehash = save !== undefined
      const { verdict, next } = await queue.run(() => judge({ password, hash, stored, rehash }, settings), {
        signal,
        key,
        slot,
      })
      // There is something next only where there was a hash to begin with.
      if (next && save) await save(next, hash as string)
      return publish(verdict)
    },

    reserve({ key }: Pick<HashOptions, 'key'> = {}) {
      return queue.reserve(key)
    },

    get stats() {
      return queue.stats
    },
  })
}

/** Published for each verdict: the verdict. */
const judged = channel('auth-primer:auth-hash:verify')

function publish(verdict: Verdict): Verdict {
  if (judged.hasSubscribers) judged.publish(verdict)
  return verdict
}
