import fc from 'fast-check'
import t from 'tap'
import { findFault, fits, MAX_LENGTH, passwordForms } from '../src/password.ts'

t.test('a password may be of 1,024 characters before it is normalised, and no more', async (t) => {
  t.equal(findFault('a'.repeat(MAX_LENGTH)), undefined)
  t.equal(findFault('a'.repeat(MAX_LENGTH + 1)), 'AUTH_HASH_PASSWORD_TOO_LONG')
  t.strictSame(passwordForms('e\u0301'.repeat(MAX_LENGTH)), [''], 'what is longer is not even normalised')
})

t.test('NUL and half surrogate pairs are faults; whole pairs and emoji are not', async (t) => {
  t.equal(findFault('a\0'), 'AUTH_HASH_PASSWORD_HAS_NUL')
  t.equal(findFault('\ud83d'), 'AUTH_HASH_PASSWORD_NOT_UNICODE')
  t.equal(findFault('\ude00\ud83d'), 'AUTH_HASH_PASSWORD_NOT_UNICODE')
  t.equal(findFault('\ud83d\ude00'), undefined)
  t.equal(findFault(''), undefined)
})

t.test('bytes are counted after normalising', async (t) => {
  t.equal(Buffer.byteLength('e\u0301'.repeat(36)), 108)
  t.equal(fits('bcrypt', passwordForms('e\u0301'.repeat(36))[0]), true)
  t.equal(Buffer.byteLength('\u0958'.repeat(24)), 72)
  t.equal(fits('bcrypt', passwordForms('\u0958'.repeat(24))[0]), false, 'normalising made these longer')
  t.equal(fits('bcrypt-sha256', 'a'.repeat(1024)), true)
})

t.test('there is one form where the typed one is normal, and else two', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (password) => {
      const forms = passwordForms(password)
      t.equal(forms[0], password.normalize('NFC'))
      t.equal(passwordForms(forms[0]).length, 1)
      t.equal(forms.length === 1, forms[0] === password)
      t.ok(forms.includes(password))
    }),
  )
})
