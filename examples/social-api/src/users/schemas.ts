import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import { describeResponse, Id, IdParams, LOCATION, Timestamp } from '../schemas.ts'

const NewPassword = Type.String({
  format: 'new-password',
  minLength: 8,
  maxLength: 1024,
  description: 'At least 8 characters and at most 72 bytes of UTF-8, in Unicode normal form C.',
})

export const UserCreate = Type.Object(
  {
    email: Type.String({ format: 'idn-email', maxLength: 254, description: 'Compared case-insensitively.' }),
    password: NewPassword,
  },
  { title: 'UserCreate', examples: [{ email: 'you@example.com', password: 'a good password' }] },
)

export const PasswordChange = Type.Object(
  { current_password: Type.String({ minLength: 1, maxLength: 1024 }), new_password: NewPassword },
  {
    title: 'PasswordChange',
    examples: [{ current_password: 'tomatoes in june', new_password: 'cucumbers in june' }],
  },
)

/** The first user of the demo data. */
export const MAYA = { id: 1, email: 'maya@example.com', created_at: '2026-01-05T08:00:00.000Z' }

/** The response for a user. The password's hash is not in it, so it cannot be sent. */
export const UserOut = Type.Object(
  { id: Id, email: Type.String(), created_at: Timestamp },
  { title: 'UserOut', description: 'The user.', examples: [MAYA] },
)

export const createUser = {
  operationId: 'createUser',
  tags: ['Users'],
  summary: 'Sign up',
  description: 'Creates a user. Only a hash of the password is stored, so nobody can read it again.',
  body: UserCreate,
  response: {
    201: describeResponse(UserOut, {
      description: 'The new user.',
      headers: LOCATION,
      examples: [{ id: 9, email: 'you@example.com', created_at: '2026-02-07T09:30:00.000Z' }],
    }),
  },
  problems: ['EMAIL_TAKEN'],
} satisfies FastifySchema

export const getMe = {
  operationId: 'getMe',
  tags: ['Users'],
  summary: 'Who am I?',
  description: 'Returns the user of the token. The easiest way to check that a token works.',
  security: [{ login: [] }],
  response: { 200: UserOut },
} satisfies FastifySchema

export const changePassword = {
  operationId: 'changePassword',
  tags: ['Users'],
  summary: 'Change my password',
  description: 'Ends all of your tokens, including this one. Log in again with the new password.',
  security: [{ login: [] }],
  body: PasswordChange,
  response: { 204: Type.Null({ description: 'Changed.' }) },
  problems: [['INVALID_CREDENTIALS', 'The current password is wrong.']],
} satisfies FastifySchema

export const getUser = {
  operationId: 'getUser',
  tags: ['Users'],
  summary: 'One user',
  description: 'Every user may look up every other user. The response never contains a password or its hash.',
  security: [{ login: [] }],
  params: IdParams,
  response: { 200: UserOut },
  problems: [['NOT_FOUND', 'No user has the id 4711.']],
} satisfies FastifySchema
