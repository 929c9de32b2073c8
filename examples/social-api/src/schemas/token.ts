import { Type } from '@sinclair/typebox'
import { MAX_INTEGER } from './common.ts'

/** The fields of OAuth 2's password grant that a log-in needs; its others are allowed and not read. */
export const Credentials = Type.Object({
  username: Type.String({
    minLength: 1,
    maxLength: 1024,
    description: 'The e-mail.',
    examples: ['maya@example.com'],
  }),
  password: Type.String({ minLength: 1, maxLength: 1024, examples: ['tomatoes in june'] }),
})

export const TokenOut = Type.Object(
  {
    access_token: Type.String(),
    token_type: Type.Literal('bearer'),
    expires_in: Type.Integer({ description: 'Seconds until the access token expires.' }),
    refresh_token: Type.String({ description: 'Good once, for `POST /token/refresh`. Keep it secret.' }),
  },
  { description: 'A token for the `Authorization` header, and one to get the next with.' },
)

/** A refresh token that a client gives back. */
export const RefreshIn = Type.Object({ refresh_token: Type.String({ minLength: 1, maxLength: 1024 }) })

/** The claims of an access token, beside the registered ones, which jwt-kit writes and checks. */
export const AccessClaims = Type.Object({
  sub: Type.String({ pattern: '^[1-9][0-9]*$', description: 'the user, by id' }),
  user_id: Type.Integer({ minimum: 1, maximum: MAX_INTEGER, description: 'the same as a number' }),
  role: Type.Union([Type.Literal('user'), Type.Literal('admin')], { description: 'what the user may do' }),
})
