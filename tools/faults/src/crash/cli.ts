import { createSeed, runProgram } from '../program.ts'
import { crash } from './crash.ts'
import { format } from './report.ts'

const USAGE = `Usage: npm run crash -- [--posts 2000] [--clients 16] [--kills 5] [--restarts 3] [--seed n]

Clients send posts without pause. Meanwhile the built service is killed with SIGKILL and restarted, and its own Postgres
(with fsync) is stopped in immediate mode, as in a crash, and restarted. The same seed repeats the same plan. A post that
was refused is sent again.

Exit code 1 unless
- every post with a 201 is in the database, once, with its id, title and content
- no post is there twice, or although every response refused it
- every other response is a 503 with a code of the document: OVERLOADED, or, while Postgres is down, DATABASE_UNAVAILABLE
  (the post is not there) or COMMIT_OUTCOME_UNKNOWN (it may be there)
- connections are refused or lost only while the service is down, responses are complete, and none takes over 35 s`

await runProgram(
  USAGE,
  { posts: 2_000, clients: 16, kills: 5, restarts: 3, seed: createSeed() },
  async (options, scope) => {
    console.log(`seed ${options.seed}`)
    const report = await crash(scope, { ...options, log: console.log })
    console.log(format(report))
    return report.violations.length === 0
  },
)
