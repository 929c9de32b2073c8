import { kit, kitWith, read, write } from './kit.ts'

const thief = kitWith('thief')
const token = kit.access.sign({ sub: '7', role: 'user' })
const [header = '', payload = '', signature = ''] = token.split('.')

// #region five
const tampered = {
  'role edited': `${header}.${write({ ...read(payload), role: 'admin' })}.${signature}`,
  'algorithm removed': `${write({ ...read(header), alg: 'none' })}.${payload}.`,
  'signature removed': `${header}.${payload}`,
  'signed with another key': thief.access.sign({ sub: '7', role: 'admin' }),
  'invitation used as login': kit.invite.sign({ sub: '7', role: 'user' }),
}
for (const [what, forged] of Object.entries(tampered))
  await kit.access.verify(forged).catch((error) => console.log(what.padEnd(26), error.code))
// #endregion
