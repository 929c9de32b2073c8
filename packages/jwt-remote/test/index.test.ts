import t from 'tap'
import * as remote from '../src/index.ts'

t.test('exports this and no more', async (t) => {
  t.same(Object.keys(remote).sort(), [
    'JwtRemoteError',
    'REMOTE_ALGORITHMS',
    'REMOTE_ERROR_CODES',
    'jwtRemote',
  ])
})
