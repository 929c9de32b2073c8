import { kit, kitWith, read, write } from './kit.ts'

const thief = kitWith('thief')
const token = kit.access.sign({ sub: '7', role: 'user' })
const [header = '', payload = '', signature = ''] = token.split('.')

// #region five
const tampered = {
  'the role edited': `${header}.${write({ ...read(payload), role: 'admin' })}.${signature}`,
  'no algorithm': `${write({ ...read(header), alg: 'none' })}.${payload}.`,
  'no signature': `${header}.${payload}`,
  'a key of the thief’s own': thief.access.sign({ sub: '7', role: 'admin' }),
  'an invitation as a log-in': kit.invite.sign({ sub: '7', role: 'user' }),
}
for (const [what, forged] of Object.entries(tampered))
  await kit.access.verify(forged).catch((error) => console.log(what.padEnd(26), error.code))
// #endregion
