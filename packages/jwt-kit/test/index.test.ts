import t from 'tap'
import * as fastify from '../src/fastify.ts'
import * as kit from '../src/index.ts'
import * as testing from '../src/testing.ts'

t.test('exports this and no more', async (t) => {
  t.same(Object.keys(kit).sort(), [
    'ALGORITHMS',
    'ERROR_CODES',
    'JwtKitError',
    'LONGEST_LIFE',
    'MAX_PAYLOAD_BYTES',
    'MAX_TOKEN_LENGTH',
    'bearerToken',
    'compileClaims',
    'explainToken',
    'jwtKit',
    'keyring',
    'rfc9068Kind',
    'thumbprint',
    'tokenKind',
  ])
  t.same(Object.keys(fastify), ['default'])
  t.same(Object.keys(testing).sort(), ['forge', 'testClock'])
})
