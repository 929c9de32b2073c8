import { expectStatus, expectThat, type Stage } from '../check.ts'
import { PATHS, toObject } from '../subject.ts'

const REFUSED = [401, 403, 400] as const

export const logsIn: Stage = {
  number: '08',
  slug: 'logs-in',
  title: 'Users log in',
  checks: [
    {
      id: 'login',
      title: 'POST /login exchanges email and password for a token',
      hints: [
        'A login is a form: `username=…&password=…`, not JSON. Does your server read forms?',
        'Verify the password against the stored hash. If they match, return `access_token` and `token_type`.',
        'Fastify: `@fastify/formbody`. Express: `express.urlencoded()`. FastAPI: `OAuth2PasswordRequestForm`.',
      ],
      async run(subject) {
        const account = await subject.account('ada')
        const received = expectStatus(await subject.logIn(account), 200, 201)
        const body = toObject(received, 'a JSON object')
        expectThat(typeof body.access_token === 'string', 'a JSON object with an `access_token`', received)
        expectThat(String(body.token_type).toLowerCase() === 'bearer', 'the `token_type` bearer', received)
      },
    },
    {
      id: 'wrong-password',
      title: 'a wrong password gets no token',
      hints: [
        'Log in with a wrong password. Which status comes?',
        'Compare with the function of the library that made the hash. Never compare two hashes as texts.',
        'Node: `await bcrypt.compare(password, user.password)`: without `await`, a promise is always true.',
      ],
      async run(subject) {
        const { email } = await subject.account('ada')
        const { password } = subject.newCredentials()
        expectStatus(await subject.logIn({ email, password }), ...REFUSED)
      },
    },
    {
      id: 'similar-password',
      title: 'a password that only begins like the right one gets no token',
      hints: [
        'Log in with the right password and one more letter.',
        'Pass the password to the hash function as it came: no `slice`, no `trim`, no lower case.',
        'bcrypt reads 72 bytes. Shorter passwords must count completely.',
      ],
      async run(subject) {
        const { email, password } = await subject.account('ada')
        for (const similar of [`${password}x`, password.slice(0, -1), password.toLowerCase()])
          expectStatus(await subject.logIn({ email, password: similar }), ...REFUSED)
      },
    },
    {
      id: 'unknown-user',
      title: 'an email that nobody has gets no token',
      hints: [
        'Log in with an email that was never signed up.',
        'The query returns no row. Your handler must not read the hash of a user that does not exist.',
        'Answer as for a wrong password.',
      ],
      async run(subject) {
        expectStatus(await subject.logIn(subject.newCredentials()), ...REFUSED, 404)
      },
    },
    {
      id: 'login-incomplete',
      title: 'a login without a password is rejected',
      hints: [
        'Send the form with `username` only.',
        'Validate the form like any other body.',
        'Make `username` and `password` required properties of the schema.',
      ],
      async run(subject) {
        const { email } = await subject.account('ada')
        expectStatus(
          await subject.request('POST', PATHS.login, { form: { username: email } }),
          422,
          ...REFUSED,
        )
      },
    },
  ],
}
