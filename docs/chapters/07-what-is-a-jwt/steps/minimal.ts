import { randomBytes } from 'node:crypto'
import { explainToken, jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'

const noon = () => Date.parse('2026-11-22T12:00:00Z')

// #region refused
try {
  tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String(), email: Type.String() }) })
} catch (error) {
  console.log((error as { code: string }).code)
}
// #endregion

// #region explained
const keys = keyring('HS256', [{ kid: '1', key: randomBytes(32) }])
const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
const kit = jwtKit({ issuer: 'social-api', keys, kinds: { access }, now: noon })

const { text } = explainToken(kit.access.sign({ sub: '7' }), { now: noon })
console.log(text)
// #endregion
