import { createHmac, randomBytes } from 'node:crypto'

// #region empty
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const firstTwo = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({})}`
const signature = createHmac('sha256', randomBytes(32)).update(firstTwo)
console.log(`${firstTwo}.${signature.digest('base64url')}`)
// #endregion
