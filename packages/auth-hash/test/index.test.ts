import t from 'tap'
import * as api from '../src/index.ts'

t.test('exports these names and no others', async (t) => {
  t.strictSame(Object.keys(api).sort(), [
    'AuthHashError',
    'DEFAULTS',
    'OverloadedError',
    'calibrate',
    'compare',
    'createHasher',
    'explain',
    'hash',
    'needsRehash',
    'selfTest',
  ])
})
