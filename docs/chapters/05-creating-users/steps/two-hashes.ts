import { compare, explain, hash } from '@auth-primer/auth-hash'

// #region twice
const first = await hash('tomatoes in june')
const second = await hash('tomatoes in june')

console.log(first)
console.log(second)
console.log('are the hashes equal?', first === second)
console.log(
  'does each match the password?',
  await compare('tomatoes in june', first),
  await compare('tomatoes in june', second),
)
// #endregion

// #region parts
const { version, cost, salt, digest } = explain(first)
console.log({ version, cost, salt: salt.length, digest: digest.length })
// #endregion
