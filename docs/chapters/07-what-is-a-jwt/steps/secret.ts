import { createHmac, randomBytes } from 'node:crypto'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'

const secret = randomBytes(32).toString('base64url')
const claims = Type.Object({ sub: Type.String(), role: Type.String() })
const access = tokenKind('access+jwt', { ttl: '30m', claims })
const kit = jwtKit({
  issuer: 'social-api',
  keys: keyring('HS256', [{ kid: '1', key: secret }]),
  kinds: { access },
})

// #region forge
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const now = Math.floor(Date.now() / 1000)
const header = { alg: 'HS256', typ: 'access+jwt', kid: '1' }
const payload = { iss: 'social-api', sub: '1', role: 'admin', iat: now, exp: now + 60, jti: 'any' }
const firstTwo = `${encode(header)}.${encode(payload)}`
const signature = createHmac('sha256', secret).update(firstTwo).digest('base64url')

const { sub, role } = await kit.access.verify(`${firstTwo}.${signature}`)
console.log('the service sees:', { sub, role })
// #endregion
