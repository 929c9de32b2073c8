import { createSeed, runProgram } from '../program.ts'
import { CRITERION, judgeUsage } from '../resource-usage.ts'
import { soak } from './soak.ts'

const USAGE = `Usage: npm run soak -- [--minutes 5] [--clients 16] [--seed n]

Visitors read, write, vote, log in, refresh their tokens, send what is refused, and disconnect in the middle, each one
request after another without pause. The service is the built one in its own process. Memory, handles and connections are
measured 24 times, while no request is in progress.

Exit code 1 unless
- every response is as expected and as the document declares; a visitor can immediately read what it has written
- the service's memory, handles and connections to Postgres are flat

${CRITERION}`

await runProgram(USAGE, { minutes: 5, clients: 16, seed: createSeed() }, async (options, scope) => {
  console.log(`seed ${options.seed}`)
  const { journal, samples } = await soak(scope, { ...options, log: console.log })
  const usage = judgeUsage(samples)
  console.log(
    [
      '',
      ...journal.formatTable(),
      '',
      `${journal.requests} responses, ${journal.disconnects} disconnects, ${journal.errors.length} errors`,
      ...journal.errors.slice(0, 20),
      '',
      ...usage.lines,
    ].join('\n'),
  )
  return usage.isFlat && journal.errors.length === 0
})
