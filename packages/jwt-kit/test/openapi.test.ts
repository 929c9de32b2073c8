import t from 'tap'
import { makeKit } from './support.ts'

t.test('gives the security scheme of each kind', async (t) => {
  const { access, refresh } = makeKit().kit.securitySchemes
  for (const scheme of [access, refresh])
    t.match(scheme, { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
  t.match(access.description, /type `access\+jwt`/)
  t.match(access.description, /- `sub`: the user, by id\n- `role`: what the user may do$/)
  t.match(refresh.description, /- `sub`$/)
})

t.test('can be serialised, and not changed', async (t) => {
  const { securitySchemes } = makeKit().kit
  t.same(JSON.parse(JSON.stringify(securitySchemes)), { ...securitySchemes })
  t.ok(Object.isFrozen(securitySchemes) && Object.isFrozen(securitySchemes.access))
})
