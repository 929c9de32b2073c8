import t from 'tap'
import * as api from '../src/index.ts'
import * as testing from '../src/testing.ts'

t.test('the package exports these names and no others', async (t) => {
  t.same(Object.keys(api).sort(), [
    'EmbeddedPostgresError',
    'attachPostgres',
    'defaultDataDir',
    'loadOrCreateSecret',
    'resetPostgres',
    'stopPostgres',
  ])
  t.same(Object.keys(testing), ['createTestDatabase'])
})
