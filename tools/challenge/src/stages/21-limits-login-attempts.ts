import { expectStatus, Failure, need, type Stage } from '../check.ts'
import type { Received, Sent } from '../http.ts'
import { PATHS, type Subject } from '../subject.ts'
import { REFUSED } from './08-logs-in.ts'

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
        const { email } = await subject.account('limited')
        for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
          const received = await guess(subject, email)
          if (received.status !== 429) continue
          if (received.headers['retry-after'] !== undefined) return
          throw new Failure('a 429 with a Retry-After header', 'a 429 without one', received.sent)
        }
        const sent = subject.lastSent as Sent
        throw new Failure(
          'a 429 at some point',
          `${MAX_ATTEMPTS} wrong passwords that were all checked`,
          sent,
        )
      },
    },
  ],
}

/** Logs in with a wrong password, which a check of another stage is about. */
function guess(subject: Subject, email: string): Promise<Received> {
  const form = { username: email, password: subject.newCredentials().password }
  return need('a server that rejects a wrong password', async () =>
    expectStatus(
      await subject.request('POST', PATHS.login, { form, mayBeLimited: true }),
      ...[429, ...REFUSED],
    ),
  )
}
