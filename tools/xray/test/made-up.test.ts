import t from 'tap'
import { madeUp, otherThan, WORDS } from '../page/made-up.js'

/** The `size` of the field on the hash bench. */
const FIELD = 24

t.test('a made-up password fits in its field, and the wrong one looks different at once', async (t) => {
  for (const one of WORDS)
    for (const other of WORDS) {
      const password = `${one} & ${other} 99`
      t.ok(password.length <= FIELD, password)
      const wrong = otherThan(password)
      t.ok(wrong.length <= FIELD, wrong)
      t.not(wrong.slice(0, 2), password.slice(0, 2), `${password}, ${wrong}`)
    }
  t.match(madeUp(), /^[a-z]+ & [a-z]+ \d\d$/)
  for (const typed of ['x', '!', ' a', WORDS.join(' ')]) t.not(otherThan(typed), typed)
})
