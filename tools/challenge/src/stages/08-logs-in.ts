import { expectStatus, expectThat, need, type Stage } from '../check.ts'
import { PATHS, requireToken, toObject } from '../subject.ts'

export const REFUSED = [401, 403, 400] as const

export const logsIn: Stage = {
  number: '08',
  slug: 'logs-in',
  title: 'Users log in',
  checks: [
    {
      id: 'login',
      title: 'POST /login exchanges an email and a password for a token',
      hints: [
        'A login request is a form: `username=…&password=…`, not JSON. Does your server read forms?',
        'Verify the password against the stored hash. If they match, return `access_token` and `token_type`.',
        'Fastify: `@fastify/formbody`. Express: `express.urlencoded()`. FastAPI: `OAuth2PasswordRequestForm`.',
      ],
      async run(subject) {
        const received = expectStatus(await subject.logIn(await subject.needUser()), 200, 201)
        requireToken(received)
        const { token_type: type } = toObject(received, 'a JSON object')
        expectThat(String(type).toLowerCase() === 'bearer', 'a `token_type` of bearer', received)
      },
    },
    {
      id: 'wrong-password',
      title: 'a wrong password gets no token',
      hints: [
        'Log in with a wrong password. What status do you get?',
        'Compare the password with the hash by using the library that created the hash. Never compare two hashes as text.',
        'Node: `await bcrypt.compare(password, user.password)`. Without `await`, you get a promise, which always counts as true.',
      ],
      async run(subject) {
        // not ada’s account, because a server may count failed logins
        const { email } = await subject.account('wrong')
        const { password } = subject.newCredentials()
        expectStatus(await subject.logIn({ email, password }), ...REFUSED)
      },
    },
    {
      id: 'similar-password',
      title: 'a password that only resembles the right one gets no token',
      hints: [
        'Log in with the right password plus one more letter. What status do you get?',
        'Pass the password to the hash function exactly as it was sent: no `slice`, no `trim`, no lower case.',
        'bcrypt reads up to 72 bytes. In a shorter password, every character must count.',
      ],
      async run(subject) {
        const { email, password } = await subject.account('similar')
        await need('a server that rejects a wrong password', async () =>
          expectStatus(
            await subject.logIn({ email, password: subject.newCredentials().password }),
            ...REFUSED,
          ),
        )
        for (const similar of [`${password}x`, password.slice(0, -1), password.toLowerCase()])
          expectStatus(await subject.logIn({ email, password: similar }), ...REFUSED)
      },
    },
    {
      id: 'unknown-user',
      title: 'an unknown email gets no token',
      hints: [
        'Log in with an email that nobody has signed up with. What status do you get?',
        'The query returns no row. Your handler must not read the hash of a user who doesn’t exist.',
        'Send the same response as for a wrong password.',
      ],
      async run(subject) {
        await subject.account('ada')
        expectStatus(await subject.logIn(subject.newCredentials()), ...REFUSED, 404)
      },
    },
    {
      id: 'login-incomplete',
      title: 'a login without a password is rejected',
      hints: [
        'Send the form with only `username`. What status do you get?',
        'Validate the form like any other body.',
        'Make `username` and `password` required properties of the schema.',
      ],
      async run(subject) {
        const { email } = await subject.account('wrong')
        expectStatus(
          await subject.request('POST', PATHS.login, { form: { username: email } }),
          422,
          ...REFUSED,
        )
      },
    },
  ],
}
