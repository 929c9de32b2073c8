import { Type } from '@sinclair/typebox'
import { MAX_INTEGER } from '../schemas.ts'

/** The fields of OAuth 2's password form that a login needs. The form's other fields are allowed and ignored. */
export const Credentials = Type.Object(
  {
    username: Type.String({ minLength: 1, maxLength: 1024, description: 'The email.' }),
    password: Type.String({ minLength: 1, maxLength: 1024 }),
  },
  {
    title: 'Credentials',
    description: 'Login credentials. The example works with the demo data.',
    examples: [{ username: 'maya@example.com', password: 'tomatoes in june' }],
  },
)

/** Examples only; neither is a real token. */
const ACCESS_TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIiwidXNlcl9pZCI6MX0.c2lnbmVkLWJ5LW5vYm9keQ'
const REFRESH_TOKEN = 'only-an-example-of-the-65-characters-that-a-refresh-token-has-xxx'

export const TokenOut = Type.Object(
  {
    access_token: Type.String({ description: 'A JWT, signed but not encrypted: anyone can read it.' }),
    token_type: Type.Literal('bearer'),
    expires_in: Type.Integer({ description: 'Seconds until the access token expires.' }),
    refresh_token: Type.String({ description: 'Valid once, for `POST /token/refresh`. Keep it secret.' }),
  },
  {
    title: 'TokenOut',
    description:
      'A token for the header `Authorization: Bearer <access_token>`, and one to get the next pair.',
    examples: [
      { access_token: ACCESS_TOKEN, token_type: 'bearer', expires_in: 1800, refresh_token: REFRESH_TOKEN },
    ],
  },
)

export const RefreshIn = Type.Object(
  {
    refresh_token: Type.String({ minLength: 1, maxLength: 1024, description: 'The newest one of a login.' }),
  },
  {
    title: 'RefreshIn',
    description: 'The refresh token of a login.',
    examples: [{ refresh_token: REFRESH_TOKEN }],
  },
)

/** The claims of an access token besides the registered ones, which jwt-kit writes and checks. */
export const AccessClaims = Type.Object({
  sub: Type.String({ pattern: '^[1-9][0-9]*$', description: 'the user, by id' }),
  user_id: Type.Integer({ minimum: 1, maximum: MAX_INTEGER, description: 'the same as a number' }),
  role: Type.Union([Type.Literal('user'), Type.Literal('admin')], { description: 'what the user may do' }),
})
