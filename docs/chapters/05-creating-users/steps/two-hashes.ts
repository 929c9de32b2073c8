import { compare, explain, hash } from '@auth-primer/auth-hash'

// #region twice
const first = await hash('tomatoes in june')
const second = await hash('tomatoes in june')

console.log(first)
console.log(second)
console.log('the same password, the same hash?', first === second)
console.log(
  'do both know the password?',
  await compare('tomatoes in june', first),
  await compare('tomatoes in june', second),
)
// #endregion

// #region parts
const { version, cost, salt, digest } = explain(first)
console.log({ version, cost, salt: salt.length, digest: digest.length })
// #endregion
