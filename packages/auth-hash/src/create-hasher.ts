import { channel } from 'node:diagnostics_channel'
import { assertObject, invalidOption, rejectOptions, rejectUnknown } from './errors.ts'
import { evaluate } from './evaluate.ts'
import { hashPassword } from './hash-password.ts'
import type { Hasher, HashOptions, Verdict, VerifyInput } from './hasher.ts'
import type { HasherOptions } from './options.ts'
import { assertString, findFault, fits, passwordError, passwordForms } from './password.ts'
import { createQueue } from './queue.ts'
import { isTooCostly, readRow } from './row.ts'
import { resolveSettings } from './settings.ts'
import { currentSpec, upgradeSpec } from './upgrade.ts'
import { createVerifier } from './verify.ts'

/**
 * Makes a hasher: one for a process, since its limits share out the process's threads.
 *
 * @throws {AuthHashError} `AUTH_HASH_INVALID_OPTION`; `AUTH_HASH_ARGON2_UNAVAILABLE` if the scheme is `argon2id` and
 * Node.js is older than 24.7
 */
export function createHasher(options: HasherOptions = {}): Hasher {
  const settings = resolveSettings(options)
  const verifier = createVerifier(settings)
  const queue = createQueue({ ...settings, now: () => performance.now() })

  return Object.freeze({
    async hash(password: string, call: HashOptions = {}) {
      const { signal, key, slot } = checkCall(call)
      assertString(password)
      const fault = findFault(password)
      if (fault) throw passwordError(fault)
      const [normal] = passwordForms(password)
      if (!fits(settings.scheme, normal)) throw passwordError('AUTH_HASH_PASSWORD_TOO_LONG')
      return queue.run(() => hashPassword(normal, currentSpec(settings), settings), { signal, key, slot })
    },

    async verify(input: VerifyInput, ...[options]: unknown[]) {
      assertObject('input', input)
      rejectOptions(options)
      const { password, hash, save, ...call } = input
      const { signal, key, slot } = checkCall(call)
      if (save !== undefined && typeof save !== 'function') throw invalidOption('save', 'a function', save)
      assertString(password)
      const row = readRow(hash, settings.foreign)
      if (row && isTooCostly(row, settings)) return publish({ ok: false, reason: 'cost-too-high' })
      const question = { password, hash, row, wantsUpgrade: save !== undefined }
      const run = () => evaluate(question, verifier, settings)
      const { verdict, next } = await queue.run(run, { signal, key, slot })
      // There is a next hash only if there was one before.
      if (next && save) await save(next, hash as string)
      return publish(verdict)
    },

    needsRehash(hash: string | null | undefined, ...[options]: unknown[]) {
      rejectOptions(options)
      const row = readRow(hash, settings.foreign)
      return row === undefined || upgradeSpec(row, settings) !== undefined
    },

    reserve(call: Pick<HashOptions, 'key'> = {}) {
      assertObject('options', call)
      const { key, ...unknown } = call
      rejectUnknown('', unknown)
      return queue.reserve(key)
    },

    get stats() {
      return queue.stats
    },
  })
}

function checkCall(call: HashOptions): HashOptions {
  assertObject('options', call)
  const { signal, key, slot, ...unknown } = call
  rejectUnknown('', unknown)
  return call
}

/** Published for each verdict: the verdict, without its cause. */
const judged = channel('auth-primer:auth-hash:verify')

function publish(verdict: Verdict): Verdict {
  if (!judged.hasSubscribers) return verdict
  judged.publish(verdict.ok ? verdict : { ok: verdict.ok, reason: verdict.reason })
  return verdict
}
