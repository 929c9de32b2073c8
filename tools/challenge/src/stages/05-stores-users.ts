import { expectStatus, expectThat, Failure, need, type Stage } from '../check.ts'
import { PATHS, type Subject, toObject } from '../subject.ts'

export const storesUsers: Stage = {
  number: '05',
  slug: 'stores-users',
  title: 'Users sign up',
  checks: [
    {
      id: 'user-created',
      title: 'POST /users creates a user and returns the ID and email',
      hints: [
        'What does POST /users return?',
        'Store the email and the hash of the password, and return the new user with the status 201.',
        'SQL: `INSERT INTO users (email, password) VALUES ($1, $2) RETURNING id, email, created_at`.',
      ],
      async run(subject) {
        const credentials = subject.newCredentials()
        const received = expectStatus(await subject.signUp(credentials), 201, 200)
        const { id, email } = toObject(received, 'a JSON object with the new user')
        expectThat(
          ['number', 'string'].includes(typeof id) && email === credentials.email,
          'the new user with `id` and `email`',
          received,
        )
      },
    },
    {
      id: 'email-taken',
      title: 'a second sign-up with the same email is rejected',
      hints: [
        'Sign up twice with the same email. How many rows are in the table?',
        'Let the table decide: give the column a unique constraint, and turn its error into a 409.',
        'SQL: `email text NOT NULL UNIQUE`. Postgres reports SQLSTATE 23505.',
      ],
      async run(subject) {
        await expectTaken(subject)
      },
    },
    {
      id: 'email-taken-at-once',
      title: 'if two sign-ups with the same email arrive at the same time, one is rejected',
      hints: [
        'Two requests look for the email at the same time, and both find nothing. What happens next?',
        'A SELECT before the INSERT guarantees nothing. Only a unique constraint does. Turn its error into a 409, not a 500.',
        'SQL: `INSERT … ON CONFLICT DO NOTHING RETURNING id`: no row means that the email is taken.',
      ],
      async run(subject) {
        await need('a server that rejects the second of two sign-ups', () => expectTaken(subject))
        const credentials = subject.newCredentials()
        const received = await Promise.all([
          subject.signUp(credentials),
          subject.signUp(credentials),
          subject.signUp(credentials),
          subject.signUp(credentials),
        ])
        const created = received.filter(({ status }) => status === 201 || status === 200)
        const rejected = received.filter(({ status }) => [409, 400, 422].includes(status))
        if (created.length === 1 && rejected.length === 3) return
        const statuses = received.map(({ status }) => status).sort()
        const [{ sent }] = received
        throw new Failure('one 201 and three 409s for four identical sign-ups', statuses.join(', '), sent)
      },
    },
    {
      id: 'email-invalid',
      title: 'an email without an @ is rejected',
      hints: [
        'Sign up with the email `tomato`. What status do you get?',
        'In the schema, give `email` the format `email`.',
        "TypeBox: `Type.String({ format: 'email' })`. Pydantic: `EmailStr`.",
      ],
      async run(subject) {
        const { password } = subject.newCredentials()
        expectStatus(await subject.signUp({ email: 'tomato', password }), 422, 400)
      },
    },
    {
      id: 'password-missing',
      title: 'a sign-up without a password is rejected',
      hints: [
        'Sign up with only an email. What status do you get?',
        'Make `password` a required property.',
        'TypeBox: properties are required unless they are `Type.Optional`.',
      ],
      async run(subject) {
        const { email } = subject.newCredentials()
        expectStatus(await subject.request('POST', PATHS.users, { json: { email } }), 422, 400)
      },
    },
  ],
}

/** Signs a user up, and expects that the email is taken then. */
async function expectTaken(subject: Subject): Promise<void> {
  const { email } = await subject.needUser()
  const { password } = subject.newCredentials()
  expectStatus(await subject.signUp({ email, password }), 409, 400, 422)
}
