import { createHasher, explain } from '@auth-primer/auth-hash'
import bcrypt from 'bcrypt'

const hasher = createHasher({ cost: 10 })

// #region once-more
const stored = await hasher.hash('tomatoes in june')

const again = await hasher.hash('tomatoes in june')
console.log('hashed again:            ', again === stored)

const { salt } = explain(stored)
const withItsSalt = await bcrypt.hash('tomatoes in june', `$2b$10$${salt}`)
console.log('hashed with stored salt: ', withItsSalt === stored)

console.log('verified:                ', await hasher.verify({ password: 'tomatoes in june', hash: stored }))
// #endregion
