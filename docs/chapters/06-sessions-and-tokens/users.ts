import { createHasher } from '@auth-primer/auth-hash'

const hasher = createHasher({ cost: 10 })
const ada = { id: '7', email: 'ada@example.com', password: await hasher.hash('tomatoes in june') }

/** Returns the ID of the user with this email and password. Chapter 09 explains how this works. */
export async function userWith(email: string, password: string): Promise<string | undefined> {
  const user = email === ada.email ? ada : undefined
  const { ok } = await hasher.verify({ password, hash: user?.password })
  return ok ? user?.id : undefined
}
