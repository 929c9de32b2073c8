import { expectStatus, Failure, NotChecked, need, type Stage } from '../check.ts'
import type { Received } from '../http.ts'
import { type Credentials, PATHS, pathOf } from '../subject.ts'

/** The hashes that common libraries make. */
export const HASH =
  /\$2[abxy]\$\d\d\$|\$argon2(?:id|i|d)\$|pbkdf2_sha256\$|\$scrypt\$|\$6\$rounds|\$bcrypt-sha256\$/

const MIN_HASH_LENGTH = 16

export const neverShowsAPassword: Stage = {
  number: '06',
  slug: 'never-shows-a-password',
  title: 'No response shows a password',
  checks: [
    {
      id: 'sign-up-shows-password',
      title: 'the response to a sign-up contains neither the password nor its hash',
      hints: [
        'Look at each property of the response to your sign-up.',
        'Describe the response with its own schema, without the password.',
        'Fastify: `schema.response`. FastAPI: `response_model=UserOut`. Express: build the object by hand.',
      ],
      async run(subject) {
        const credentials = subject.newCredentials()
        const received = await need('a new user', async () =>
          expectStatus(await subject.signUp(credentials), 201, 200),
        )
        expectNoPassword(received, credentials)
      },
    },
    {
      id: 'error-shows-password',
      title: 'the response to a rejected sign-up does not repeat the password',
      hints: [
        'Sign up with an invalid email. Does the error contain what you sent?',
        'Some frameworks put the rejected input into the error message.',
        'FastAPI with Pydantic 2: each error has a member `input`. Remove it in an exception handler.',
      ],
      async run(subject) {
        const credentials = { ...subject.newCredentials(), email: 'tomato' }
        expectNoPassword(await subject.signUp(credentials), credentials)
      },
    },
    {
      id: 'user-shows-password',
      title: 'the response to GET /users/{id} contains neither the password nor its hash',
      hints: [
        'Request the user that you signed up. Which properties do you get?',
        'Use the schema of the sign-up response here, too.',
        'Select only the columns that you show: `SELECT id, email, created_at FROM users`.',
      ],
      async run(subject) {
        const account = await subject.account('ada')
        const received = await subject.request(
          'GET',
          `${PATHS.users}/${encodeURIComponent(String(account.id))}`,
          { token: account.token },
        )
        if ([401, 403, 404, 405].includes(received.status))
          throw new NotChecked('The server returns no user for GET /users/{id}.')
        expectNoPassword(expectStatus(received, 200), account)
      },
    },
    {
      id: 'post-shows-password',
      title: 'a post does not show its owner’s password',
      hints: [
        'Request a post. What does it show about its owner?',
        'A join with the users table adds all of its columns. Select only the columns that you want.',
        'Give `owner` the schema of the sign-up response.',
      ],
      async run(subject) {
        const account = await subject.account('ada')
        const { id } = await subject.needPost({}, account.token)
        expectNoPassword(await subject.request('GET', pathOf(id), { token: account.token }), account)
        const { received } = await subject.needList()
        expectNoPassword(received, account)
      },
    },
  ],
}

function expectNoPassword(received: Received, { password }: Credentials): void {
  const { text, sent } = received
  if (text.includes(password))
    throw new Failure('a response without the password', `${received.status} with the password`, sent)
  if (HASH.test(text))
    throw new Failure('a response without a hash', `${received.status} with a password hash`, sent)
  // a value in a notation of one's own, but not one that hides the password, such as asterisks
  const [, value = ''] = /"(?:hashed_?)?password(?:_?hash)?"\s*:\s*"([^"]+)"/i.exec(text) ?? []
  if (value.length >= MIN_HASH_LENGTH && !/^(.)\1*$/.test(value) && received.status < 400)
    throw new Failure(
      'a response without a hash',
      `${received.status} with a property \`password\` that is as long as a hash`,
      sent,
    )
}
