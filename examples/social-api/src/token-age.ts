import { setTimeout } from 'node:timers/promises'
import type { User } from './models/user.ts'

// A token says in whole seconds when it was issued. One of the very second in which the password was changed may be
// from before: it is refused, and a log-in in that second waits until it is over.

/** Whether a token that was issued at `iat` (seconds since 1970) may be older than its user's password. */
export function mayPrecedePassword(iat: number, user: User): boolean {
  return iat * 1000 < changedAt(user)
}

/** Waits, a second at most, until a token issued to this user is one from after the change of their password. */
export async function secondOfPasswordChange(user: User): Promise<void> {
  const over = Math.ceil(changedAt(user) / 1000) * 1000
  while (Date.now() < over) await setTimeout(over - Date.now())
}

function changedAt({ password_changed_at }: User): number {
  return password_changed_at?.getTime() ?? 0
}
