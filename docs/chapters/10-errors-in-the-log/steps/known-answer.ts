import { selfTest } from '@auth-primer/auth-hash'
import bcrypt from 'bcrypt'

// #region known
const salt = '$2b$05$CCCCCCCCCCCCCCCCCCCCC.'
const known = `${salt}E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW`

console.log('as known?', (await bcrypt.hash('U*U', salt)) === known)
// #endregion

// #region self-test
await selfTest()
console.log('bcrypt computes the known hashes')
// #endregion
