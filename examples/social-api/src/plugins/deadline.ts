import fp from 'fastify-plugin'
import { ANSWER_WITHIN_MS } from '../limits.ts'
import { Problem } from '../problem.ts'

export interface DeadlineOptions {
  /** How long an answer may take, in milliseconds. @default 30000 */
  answerWithinMs?: number
}

/**
 * Whatever a request waits for, its answer is there in time: a 503 if need be, and what it did is undone.
 *
 * Not Fastify's `handlerTimeout`: 5.12 forgets it as soon as a body has been read.
 */
export default fp<DeadlineOptions>(async (app, { answerWithinMs = ANSWER_WITHIN_MS }) => {
  app.addHook('onRequest', (_request, reply, done) => {
    const timer = setTimeout(() => {
      if (!reply.sent) reply.send(tooLate())
    }, answerWithinMs)
    reply.raw.once('close', () => clearTimeout(timer))
    done()
  })
})

function tooLate(): Problem {
  return new Problem('OVERLOADED', 'The service has more to do than it can. Try again in a moment.', {
    headers: { 'retry-after': '5' },
  })
}
