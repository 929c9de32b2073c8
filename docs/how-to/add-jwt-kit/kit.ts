import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { Type } from '@sinclair/typebox'

// #region kit
const access = tokenKind('access+jwt', {
  ttl: '30m',
  claims: Type.Object({
    sub: Type.String({ description: 'the user, by id' }),
    role: Type.Union([Type.Literal('user'), Type.Literal('admin')], { description: 'what the user may do' }),
  }),
})

export function makeKit(secret: string) {
  return jwtKit({
    issuer: 'https://api.shop.example',
    keys: keyring('HS256', [{ kid: '2026-11', key: secret }]),
    kinds: { access },
  })
}
// #endregion
