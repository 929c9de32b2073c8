import { AuthHashError, createHasher, type Hasher } from '@auth-primer/auth-hash'
import bcrypt from 'bcrypt'

/** Pairs of different passwords: one is hashed, the other is tried. They are made up. */
const PAIRS = [
  { edge: '73rd-byte', hashed: `${'a'.repeat(72)}X`, tried: `${'a'.repeat(72)}Y` },
  { edge: 'nul', hashed: 'secret\0one', tried: 'secret\0two' },
  { edge: 'normal-form', hashed: 'caf\u00e9', tried: 'cafe\u0301' },
] as const

const COST = 10

export interface Edge {
  edge: string
  /** The length of the one that is hashed, and of the one that is tried. */
  bytes: [number, number]
  /** True if the other password is accepted, by bcrypt and by auth-hash; or the code with which auth-hash refuses to hash. */
  bcrypt: boolean
  authHash: boolean | string
}

/** Tries each pair with only bcrypt, and with auth-hash. */
export async function tryEdges(): Promise<Edge[]> {
  const hasher = createHasher({ cost: COST, concurrency: 1 })
  const edges: Edge[] = []
  for (const { edge, hashed, tried } of PAIRS) {
    edges.push({
      edge,
      bytes: [Buffer.byteLength(hashed), Buffer.byteLength(tried)],
      bcrypt: await bcrypt.compare(tried, await bcrypt.hash(hashed, COST)),
      authHash: await isAccepted(hasher, hashed, tried),
    })
  }
  return edges
}

async function isAccepted(hasher: Hasher, hashed: string, tried: string): Promise<boolean | string> {
  try {
    const hash = await hasher.hash(hashed)
    return (await hasher.verify({ password: tried, hash })).ok
  } catch (error) {
    if (error instanceof AuthHashError) return error.code
    throw error
  }
}
