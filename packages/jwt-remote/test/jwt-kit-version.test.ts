import { createRequire } from 'node:module'
import t from 'tap'
import { JWT_KIT_SERIES } from '../src/jwt-kit-version.ts'

t.test('the version of jwt-kit that is accepted is that of this package', async (t) => {
  const { version } = createRequire(import.meta.url)('../package.json')
  const [major, minor] = version.split('.')
  t.equal(JWT_KIT_SERIES, major === '0' ? `0.${minor}` : major)
})
