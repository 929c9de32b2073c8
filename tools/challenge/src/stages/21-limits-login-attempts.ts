import { expectStatus, Failure, type Stage } from '../check.ts'
import type { Received } from '../http.ts'
import { PATHS } from '../subject.ts'

const MAX_ATTEMPTS = 120

export const limitsLoginAttempts: Stage = {
  number: '21',
  slug: 'limits-login-attempts',
  title: 'Login attempts are limited',
  isCostly: true,
  checks: [
    {
      id: 'unlimited-attempts',
      title: 'many wrong passwords for one account lead to a 429',
      hints: [
        'Log in with wrong passwords in a loop. How many does your server check?',
        'Count the failed attempts per account and per address, and reject further attempts with a 429.',
        'Node: rate-limiter-flexible. FastAPI: slowapi. Count the attempt before you hash, because a client may disconnect.',
      ],
      async run(subject) {
        const limited = await guessUntilLimited((await subject.account('limited')).email)
        const { headers, sent } = limited
        if (headers['retry-after'] === undefined)
          throw new Failure('a 429 with a Retry-After header', 'a 429 without one', sent)

        async function guessUntilLimited(email: string): Promise<Received> {
          for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
            const form = { username: email, password: subject.newCredentials().password }
            const received = await subject.request('POST', PATHS.login, { form })
            if (received.status === 429) return received
            expectStatus(received, 401, 403, 400)
          }
          throw new Failure('a 429 at some point', `${MAX_ATTEMPTS} wrong passwords that were all checked`)
        }
      },
    },
  ],
}
