import type { Place } from '@auth-primer/auth-hash'
import type { FastifyRequest } from 'fastify'
import { User } from '../models/user.ts'

export interface CheckOptions {
  /** Aborts when the client disconnects. */
  signal: AbortSignal
  slot: Place
}

/** Returns the user with this email and password. An unknown email costs the same work as a wrong password. */
export async function verifyCredentials(
  { server: { hasher, knex } }: FastifyRequest,
  email: string,
  password: string,
  { signal, slot }: CheckOptions,
): Promise<User | undefined> {
  const user = await User.findByEmail(knex, email)
  const { ok } = await hasher.verify({
    password,
    hash: user?.password,
    signal,
    place: slot,
    save: async (next, previous) => user && User.upgradeHash(knex, user, next, previous),
  })
  return ok ? user : undefined
}
