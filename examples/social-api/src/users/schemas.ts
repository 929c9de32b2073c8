import { Type } from '@sinclair/typebox'
import { describeResponse, Id, LOCATION, Timestamp } from '../schemas.ts'

const Email = Type.String({
  format: 'idn-email',
  maxLength: 254,
  description: 'Compared case-insensitively.',
})

const NewPassword = Type.String({
  format: 'new-password',
  minLength: 8,
  maxLength: 1024,
  description: 'At least 8 characters and at most 72 bytes of UTF-8, in Unicode normal form C.',
})

export const UserCreate = Type.Object(
  { email: Email, password: NewPassword },
  {
    title: 'UserCreate',
    description: 'The email and password of a new user.',
    examples: [{ email: 'you@example.com', password: 'a good password' }],
  },
)

export const PasswordChange = Type.Object(
  {
    current_password: Type.String({ minLength: 1, maxLength: 1024 }),
    new_password: NewPassword,
  },
  {
    title: 'PasswordChange',
    description: 'The current and the new password.',
    examples: [{ current_password: 'tomatoes in june', new_password: 'cucumbers in june' }],
  },
)

/** The response for a user. The password's hash is not in it, so it cannot be sent. */
export const UserOut = Type.Object(
  { id: Id, email: Type.String(), created_at: Timestamp },
  {
    title: 'UserOut',
    description: 'The user.',
    examples: [{ id: 1, email: 'maya@example.com', created_at: '2026-01-05T08:00:00.000Z' }],
  },
)

export const CreatedUser = describeResponse(UserOut, {
  description: 'The new user.',
  headers: LOCATION,
  examples: [{ id: 9, email: 'you@example.com', created_at: '2026-02-07T09:30:00.000Z' }],
})
