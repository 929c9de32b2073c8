import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import { MAX_INTEGER } from '../schemas.ts'

/** The fields of OAuth 2's password form that a login needs. The form's other fields are allowed and ignored. */
export const Credentials = Type.Object(
  {
    username: Type.String({ minLength: 1, maxLength: 1024, description: 'The email.' }),
    password: Type.String({ minLength: 1, maxLength: 1024 }),
  },
  { title: 'Credentials', examples: [{ username: 'maya@example.com', password: 'tomatoes in june' }] },
)

/** Examples only; neither is a real token. */
const ACCESS = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIiwidXNlcl9pZCI6MX0.c2lnbmVkLWJ5LW5vYm9keQ'
const REFRESH = 'only-an-example-of-the-65-characters-that-a-refresh-token-has-xxx'

export const TokenOut = Type.Object(
  {
    access_token: Type.String({ description: 'A JWT, signed but not encrypted: anyone can read it.' }),
    token_type: Type.Literal('bearer'),
    expires_in: Type.Integer({ description: 'Seconds until the access token expires.' }),
    refresh_token: Type.String({ description: 'Valid once, for `POST /token/refresh`. Keep it secret.' }),
  },
  {
    title: 'TokenOut',
    description: 'An access token, for `Authorization: Bearer <access_token>`, and a refresh token.',
    examples: [{ access_token: ACCESS, token_type: 'bearer', expires_in: 1800, refresh_token: REFRESH }],
  },
)

export const RefreshIn = Type.Object(
  {
    refresh_token: Type.String({ minLength: 1, maxLength: 1024, description: 'The newest one of a login.' }),
  },
  { title: 'RefreshIn', examples: [{ refresh_token: REFRESH }] },
)

/** The claims of an access token besides the registered ones, which jwt-kit writes and checks. */
export const AccessClaims = Type.Object({
  sub: Type.String({ pattern: '^[1-9][0-9]*$', description: 'the user, by id' }),
  user_id: Type.Integer({ minimum: 1, maximum: MAX_INTEGER, description: 'the same as a number' }),
  role: Type.Union([Type.Literal('user'), Type.Literal('admin')], { description: 'what the user may do' }),
})

export const logIn = {
  operationId: 'login',
  tags: ['Authentication'],
  summary: 'Log in',
  description:
    "Exchanges an email and password for tokens. The email is `username`, as in OAuth 2's password form.",
  consumes: ['application/x-www-form-urlencoded', 'application/json'],
  body: Credentials,
  response: { 200: TokenOut },
  problems: ['INVALID_CREDENTIALS'],
} satisfies FastifySchema

export const SPENT = 'The refresh token is unknown, expired or spent. Log in again.'

export const refreshToken = {
  operationId: 'refreshToken',
  tags: ['Authentication'],
  summary: 'Get new tokens',
  description: 'Spends the refresh token and returns another. Reusing a spent one ends the login.',
  body: RefreshIn,
  response: { 200: TokenOut },
  problems: [['TOKEN_INVALID', SPENT]],
} satisfies FastifySchema

export const logOut = {
  operationId: 'logout',
  tags: ['Authentication'],
  summary: 'Log out',
  description: 'Ends the refresh tokens of the login. Its last access token stays valid until it expires.',
  body: RefreshIn,
  response: { 204: Type.Null({ description: 'Logged out.' }) },
} satisfies FastifySchema
