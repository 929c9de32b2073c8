import { describe, expectStatus, Failure, need, type Stage } from '../check.ts'
import { REFUSED } from './08-logs-in.ts'

export const answersAlike: Stage = {
  number: '09',
  slug: 'answers-alike',
  title: 'A login does not reveal who has an account',
  checks: [
    {
      id: 'reveals-account',
      title: 'an unknown email and a wrong password get the same response',
      hints: [
        'Compare the status and the body of the two responses, character by character.',
        'Use the same message for both, such as “Invalid Credentials”, and the same status.',
        'Compute a hash for an unknown user, too. Otherwise, the response time reveals who has an account. This grader doesn’t measure it.',
      ],
      async run(subject) {
        // a separate account: a server may say how many attempts are left
        const { email } = await subject.account('alike')
        const nobody = subject.newCredentials()
        const wrong = await need('a server that rejects a wrong password', async () =>
          expectStatus(await subject.logIn({ email, password: nobody.password }), ...REFUSED),
        )
        const unknown = await need('a server that rejects an unknown email', async () =>
          expectStatus(await subject.logIn(nobody), ...REFUSED, 404),
        )
        const isSame =
          wrong.status === unknown.status &&
          normalize(wrong.text, email) === normalize(unknown.text, nobody.email)
        if (!isSame)
          throw new Failure(
            `the same response as for a wrong password: ${describe(wrong)}`,
            `a different response for an unknown email: ${describe(unknown)}`,
            unknown.sent,
          )
      },
    },
  ],
}

/** Removes what differs in every response: the email that was sent, IDs of requests, and times. */
function normalize(text: string, email: string): string {
  return text
    .replaceAll(email, '')
    .replace(
      /"(?:(?:req|request|trace|span|correlation|error|event)?[_-]?id|instance|timestamp|time|date)"\s*:\s*(?:"[^"]*"|\d+)/gi,
      '',
    )
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?/g, '')
}
