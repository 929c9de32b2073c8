import { subscribe } from 'node:diagnostics_channel'
import { createHasher } from '@auth-primer/auth-hash'

const hasher = createHasher({ cost: 10 })
const stored = await hasher.hash('tomatoes in june')

// #region count
let computed = 0
subscribe('auth-primer:auth-hash:compute', () => {
  computed += 1
})

for (const [what, password, hash] of [
  ['right password', 'tomatoes in june', stored],
  ['wrong password', 'tomatoes in july', stored],
  ['unknown email', 'tomatoes in june', undefined],
] as const) {
  computed = 0
  const { ok } = await hasher.verify({ password, hash })
  console.log(`${what}: ${ok}, after ${computed} computation`)
}
// #endregion
