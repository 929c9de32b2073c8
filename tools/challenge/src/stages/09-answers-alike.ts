import { describe, Failure, type Stage } from '../check.ts'

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
        const { email } = await subject.account('ada')
        const { password } = subject.newCredentials()
        const wrong = await subject.logIn({ email, password })
        const unknown = await subject.logIn(subject.newCredentials())
        const isSame = wrong.status === unknown.status && withoutIds(wrong.text) === withoutIds(unknown.text)
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

/** Removes what differs in every response: the IDs of requests, and times. */
function withoutIds(text: string): string {
  return text
    .replace(/"(?:instance|request_?id|req_?id|trace_?id|timestamp|time)"\s*:\s*(?:"[^"]*"|\d+)/gi, '')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '')
}
