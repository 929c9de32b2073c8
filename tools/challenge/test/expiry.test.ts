// Without the secret, the grader waits for the end of a token that lives for seconds.
import t from 'tap'
import { startServer } from '../fixture/faults.ts'
import { runCheck } from '../src/run.ts'
import { refusesExpiredTokens } from '../src/stages/13-refuses-expired-tokens.ts'
import { Subject } from '../src/subject.ts'

const [check] = refusesExpiredTokens.checks

async function judge(options: Parameters<typeof startServer>[0]) {
  const server = await startServer(options)
  const result = await runCheck(check as NonNullable<typeof check>, new Subject({ url: new URL(server.url) }))
  await server.close()
  return result
}

t.test('a token that lives for one second is rejected after it', async (t) => {
  t.match(await judge({ lifetimeS: 1 }), { state: 'passed' })
})

t.test('a server that accepts it a few seconds later fails', async (t) => {
  const result = await judge({ lifetimeS: 1, faults: ['accepts-expired'] })
  t.match(result, { state: 'failed', failure: { actual: /^201/ } })
})

t.test('a token that lives for half an hour is not waited for', async (t) => {
  t.match(await judge({}), { state: 'not checked', reason: /--secret/ })
})
