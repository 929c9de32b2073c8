import { kit, read, write } from './kit.ts'

// #region promote
const token = kit.access.sign({ sub: '7', role: 'user' })

const [header = '', payload = '', signature = ''] = token.split('.')
const forged = [header, write({ ...read(payload), role: 'admin' }), signature].join('.')
// #endregion

// #region decode
const [, forgedPayload = ''] = forged.split('.')
console.log('decoded: ', read(forgedPayload).role)
await kit.access.verify(forged).catch((error) => console.log('verified:', error.code))
// #endregion

// #region changes
const { changes } = await kit.explain(forged, token)
console.log(changes)
// #endregion
