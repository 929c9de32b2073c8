import t from 'tap'
import { checkOptionNames, readSeconds } from '../src/option-checks.ts'

const bounds = { min: '1s', max: '90d' }

t.test('reads a whole number with its unit', async (t) => {
  t.same(
    ['1s', '30m', '12h', '90d'].map((text) => readSeconds('ttl', text, bounds)),
    [1, 1800, 43_200, 7_776_000],
  )
})

t.test('refuses a bare number, and every other form', async (t) => {
  for (const value of [
    60,
    '60',
    '',
    's',
    '1.5h',
    '-1s',
    '1e3s',
    ' 1s',
    '1s ',
    '1 s',
    '1w',
    '1S',
    null,
    undefined,
    {},
    Number.NaN,
  ]) {
    t.throws(() => readSeconds('ttl', value, bounds), {
      code: 'JWT_KIT_OPTIONS',
      message: /Expected `ttl` to be a duration/,
    })
  }
})

t.test('refuses what is outside of the bounds', async (t) => {
  for (const value of ['0s', '91d', '7776001s', '9999999999s']) {
    t.throws(() => readSeconds('ttl', value, bounds), { code: 'JWT_KIT_OPTIONS', message: /from 1s to 90d/ })
  }
  t.equal(readSeconds('ttl', '7776000s', bounds), 7_776_000)
})

t.test('says what kind of thing came, and not what it was', async (t) => {
  t.throws(() => readSeconds('ttl', 60, bounds), { message: /a value of type number$/ })
  t.throws(() => readSeconds('ttl', null, bounds), { message: /got null$/ })
  t.throws(() => readSeconds('ttl', 'tomorrow', bounds), { message: /a string of another form$/ })
  t.throws(() => readSeconds('ttl', '0s', bounds), { message: /outside of these bounds$/ })
})

t.test('checkOptionNames() refuses an unknown name, and options that are not an object', async (t) => {
  for (const options of [undefined, {}, { ttl: '1m' }, { ttl: undefined }])
    t.doesNotThrow(() => checkOptionNames('sign', options, ['ttl', 'notBefore']))
  const hint = 'Its options are ttl, notBefore.'
  for (const name of ['TTL', 'expiresIn', 'constructor']) {
    const message = `Unknown option \`${name}\` of sign`
    const options = { ttl: '1m', [name]: '1s' }
    t.throws(() => checkOptionNames('sign', options, ['ttl', 'notBefore']), {
      code: 'JWT_KIT_OPTIONS',
      message,
      hint,
    })
  }
  for (const options of ['1s', 60, null, [], true, () => '1s'])
    t.throws(() => checkOptionNames('sign', options, ['ttl', 'notBefore']), {
      code: 'JWT_KIT_OPTIONS',
      message: 'Expected the options of sign to be an object',
      hint,
    })
})
