import { CRITERION, judgeHoldings } from '../holdings.ts'
import { newSeed, program } from '../program.ts'
import { soak } from './soak.ts'

const USAGE = `Usage: npm run soak -- [--minutes 5] [--clients 16] [--seed n]

So many visitors read, write, vote, log in, refresh their tokens, ask for what they may not have, and hang up in the middle,
each one request after the other without pause. The service is the built one in a process of its own. Memory, handles and
connections are looked at 24 times, when nothing is under way.

Exit code 1 unless
- every answer is the expected one, and as the document says; what one has written is read back at once
- the service's memory, handles and connections to Postgres are flat

${CRITERION}`

await program(USAGE, { minutes: 5, clients: 16, seed: newSeed() }, async (options, scope) => {
  console.log(`seed ${options.seed}`)
  const { journal, samples } = await soak(scope, { ...options, say: console.log })
  const held = judgeHoldings(samples)
  console.log(
    [
      '',
      ...journal.table(),
      '',
      `${journal.requests} answers, ${journal.hangUps} requests broken off, ${journal.errors.length} errors`,
      ...journal.errors.slice(0, 20),
      '',
      ...held.lines,
    ].join('\n'),
  )
  return held.isFlat && journal.errors.length === 0
})
