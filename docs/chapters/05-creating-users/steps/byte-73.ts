import { hash } from '@auth-primer/auth-hash'
import bcrypt from 'bcrypt'

const tooLong = 'x'.repeat(73)

// #region bcrypt
const stored = await bcrypt.hash(tooLong, 10)
console.log('does bcrypt accept another last character?', await bcrypt.compare(`${'x'.repeat(72)}!`, stored))
// #endregion

// #region refused
await hash(tooLong).catch((error) => console.log(`${error.code}: ${error.message}`))
// #endregion
