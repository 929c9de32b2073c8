import { Type } from '@sinclair/typebox'
import { answer, Id, LOCATION, Timestamp } from './common.ts'

const Email = Type.String({
  format: 'idn-email',
  maxLength: 254,
  description: 'Its case makes no difference.',
})

const NewPassword = Type.String({
  format: 'new-password',
  minLength: 8,
  maxLength: 1024,
  description: 'At least 8 characters and at most 72 bytes of UTF-8, in Unicode normal form C.',
})

/** What a client sends to sign up. */
export const UserCreate = Type.Object(
  { email: Email, password: NewPassword },
  {
    title: 'UserCreate',
    description: 'Who signs up.',
    examples: [{ email: 'you@example.com', password: 'a good password' }],
  },
)

/** What a client sends to change the password. */
export const PasswordChange = Type.Object(
  {
    current_password: Type.String({ minLength: 1, maxLength: 1024 }),
    new_password: NewPassword,
  },
  {
    title: 'PasswordChange',
    description: 'The password that is, and the one that is to be.',
    examples: [{ current_password: 'tomatoes in june', new_password: 'cucumbers in june' }],
  },
)

/** What a client is shown of a user. The row has more: its password's hash is not here, so it cannot leave. */
export const UserOut = Type.Object(
  { id: Id, email: Type.String(), created_at: Timestamp },
  {
    title: 'UserOut',
    description: 'The user.',
    examples: [{ id: 1, email: 'maya@example.com', created_at: '2026-01-05T08:00:00.000Z' }],
  },
)

export const CreatedUser = answer(UserOut, {
  description: 'The new user.',
  headers: LOCATION,
  examples: [{ id: 9, email: 'you@example.com', created_at: '2026-02-07T09:30:00.000Z' }],
})
