import type { HashText, Reason, Verdict } from './hasher.ts'
import { make } from './make.ts'
import type { StoredHash } from './parse.ts'
import type { Forms, PasswordFault } from './password.ts'
import { faultOf, formsOf } from './password.ts'
import { rehashOf, targetOf } from './rehash.ts'
import { secretOf } from './secret.ts'
import type { Settings } from './settings.ts'
import { verify } from './verify.ts'

export interface Judgement {
  readonly verdict: Verdict
  /** A better hash, where one is due and was asked for. */
  readonly next?: HashText
}

/**
 * Does the work first, whatever the stored hash is, and only then says what it thinks of it.
 */
export async function judge(
  input: { password: string; hash: unknown; stored: StoredHash | undefined; rehash: boolean },
  settings: Settings,
): Promise<Judgement> {
  const { password, hash, stored, rehash } = input
  const forms = formsOf(password)
  const match = await verify(forms, stored ?? nobody(settings), settings)
  if (stored === undefined) return no(hash == null ? 'no-hash' : 'malformed-hash')
  const refusal = refusalOf(password, forms, stored, settings)
  if (refusal) return no(refusal)
  if (match === undefined) return no('wrong-password')

  const [normal] = forms
  const target = rehashOf(normal, { stored, match }, settings)
  const verdict: Verdict = { ok: true, needsRehash: target !== undefined }
  return target && rehash ? { verdict, next: await make(normal, target, settings) } : { verdict }
}

function no(reason: Reason): Judgement {
  return { verdict: { ok: false, reason } }
}

/** Stands in for the hash of one who has none: as if made today, and of no password at all. */
function nobody(settings: Settings): StoredHash {
  return { ...targetOf(settings), version: '2b', salt: '.'.repeat(22), digest: '.'.repeat(31) }
}

function refusalOf(
  password: string,
  forms: Forms,
  stored: StoredHash,
  settings: Settings,
): Reason | undefined {
  const fault = faultOf(password)
  if (fault) return REASONS[fault]
  if (stored.keyId !== undefined && !settings.pepper?.keys.has(stored.keyId)) return 'unknown-pepper'
  const takes = forms.some((form) => secretOf(form, stored, settings) !== undefined)
  return takes ? undefined : 'password-too-long'
}

const REASONS: Readonly<Record<PasswordFault, Reason>> = {
  AUTH_HASH_PASSWORD_TOO_LONG: 'password-too-long',
  AUTH_HASH_PASSWORD_HAS_NUL: 'password-has-nul',
  AUTH_HASH_PASSWORD_NOT_UNICODE: 'password-not-unicode',
}
