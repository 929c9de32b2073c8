import t from 'tap'
import { isBase64url } from '../src/encoding.ts'

t.test('takes every encoding that Node makes', async (t) => {
  for (let length = 0; length < 40; length++) {
    t.ok(isBase64url(Buffer.alloc(length, length * 37 + 1).toString('base64url')), `${length} bytes`)
  }
})

t.test('refuses padding, other alphabets, white space and lengths that nothing encodes to', async (t) => {
  for (const text of ['QQ==', 'Q+Q', 'Q/Q', 'QQ Q', 'QQ\n', 'Q', 'QQQQQ', 'QÄ', 'QQ.'])
    t.notOk(isBase64url(text), text)
})

t.test('refuses every spelling of a byte but one', async (t) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const two = [...alphabet].map((last) => `A${last}`)
  const three = [...alphabet].map((last) => `AA${last}`)
  t.equal(two.filter(isBase64url).length, 4, 'two bits of the second character count')
  t.equal(three.filter(isBase64url).length, 16, 'four bits of the third character count')
  for (const text of [...two, ...three]) {
    const spelledAgain = Buffer.from(text, 'base64url').toString('base64url')
    t.equal(isBase64url(text), spelledAgain === text, text)
  }
})
