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
        'Compare status and body of the two responses, letter by letter.',
        'Use one sentence for both, such as “Invalid Credentials”, and one status.',
        'Compute a hash for an unknown user, too. Otherwise the time of the response reveals who has an account; this grader does not measure it.',
      ],
      async run(subject) {
        const { email } = await subject.account('ada')
        const { password } = subject.newCredentials()
        const wrong = await subject.logIn({ email, password })
        const unknown = await subject.logIn(subject.newCredentials())
        const isSame = wrong.status === unknown.status && withoutIds(wrong.text) === withoutIds(unknown.text)
        if (!isSame)
          throw new Failure(
            `the response to a wrong password: ${describe(wrong)}`,
            `for an unknown email: ${describe(unknown)}`,
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
