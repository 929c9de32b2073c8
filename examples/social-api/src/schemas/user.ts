import { Type } from '@sinclair/typebox'
import { Id, Timestamp } from './common.ts'

const Email = Type.String({ format: 'idn-email', maxLength: 254, examples: ['you@example.com'] })

const NewPassword = Type.String({
  format: 'new-password',
  minLength: 8,
  maxLength: 1024,
  description: 'At least 8 characters and at most 72 bytes of UTF-8, in Unicode normal form C.',
  examples: ['a good password'],
})

/** What a client sends to sign up. */
export const UserCreate = Type.Object({ email: Email, password: NewPassword })

/** What a client sends to change the password. */
export const PasswordChange = Type.Object({
  current_password: Type.String({ minLength: 1, maxLength: 1024, examples: ['tomatoes in june'] }),
  new_password: NewPassword,
})

/** What a client is shown of a user. The row has more: its password's hash is not here, so it cannot leave. */
export const UserOut = Type.Object(
  { id: Id, email: Type.String(), created_at: Timestamp },
  { description: 'The user.' },
)
