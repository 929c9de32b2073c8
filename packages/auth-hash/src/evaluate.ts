import { hashPassword } from './hash-password.ts'
import type { HashText, Reason, Verdict } from './hasher.ts'
import { describeOtherScheme, parse } from './parse.ts'
import type { Forms, PasswordFault } from './password.ts'
import { findFault, fits, passwordForms } from './password.ts'
import type { Row } from './row.ts'
import type { Settings } from './settings.ts'
import { upgradeSpec } from './upgrade.ts'
import type { Verifier } from './verify.ts'

export interface Evaluation {
  readonly verdict: Verdict
  /** A better hash, if one is due and was asked for. */
  readonly next?: HashText
}

/**
 * Does the work first, whatever the stored hash is, and only then decides.
 */
export async function evaluate(
  input: { password: string; hash: unknown; row: Row | undefined; wantsUpgrade: boolean },
  verifier: Verifier,
  settings: Settings,
): Promise<Evaluation> {
  const { password, hash, row, wantsUpgrade } = input
  const forms = passwordForms(password)
  const result = await verifier(forms, row)
  if (row === undefined) return rejected(whyUnreadable(hash))
  const refusal = whyRefused(password, forms, row, settings)
  if (refusal) return rejected(refusal)
  if (result === undefined) return rejected('wrong-password')
  if (typeof result === 'object') return { verdict: { ok: false, reason: 'foreign-failed', ...result } }

  const [normal] = forms
  const spec = upgradeSpec(row, settings, { normal, match: result })
  const verdict: Verdict = { ok: true, needsRehash: spec !== undefined }
  return spec && wantsUpgrade ? { verdict, next: await hashPassword(normal, spec, settings) } : { verdict }
}

function rejected(reason: Reason): Evaluation {
  return { verdict: { ok: false, reason } }
}

function whyUnreadable(hash: unknown): Reason {
  if (hash == null) return 'no-hash'
  // Argon2id can be read, but not computed, by an older Node.js.
  const isOther = typeof hash === 'string' && (parse(hash) ?? describeOtherScheme(hash)) !== undefined
  return isOther ? 'unsupported-scheme' : 'malformed-hash'
}

function whyRefused(
  password: string,
  forms: Forms,
  { kind, stored }: Row,
  { pepper, legacyTruncate }: Settings,
): Reason | undefined {
  const fault = findFault(password)
  if (fault) return REASONS[fault]
  if (kind === 'foreign') return undefined
  if (stored.keyId !== undefined && !pepper?.keys.has(stored.keyId)) return 'unknown-pepper'
  const isRead = stored.scheme !== 'bcrypt' || legacyTruncate || forms.some((form) => fits('bcrypt', form))
  return isRead ? undefined : 'password-too-long'
}

const REASONS: Readonly<Record<PasswordFault, Reason>> = {
  AUTH_HASH_PASSWORD_TOO_LONG: 'password-too-long',
  AUTH_HASH_PASSWORD_HAS_NUL: 'password-has-nul',
  AUTH_HASH_PASSWORD_NOT_UNICODE: 'password-not-unicode',
}
