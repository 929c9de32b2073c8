import { newSeed, program } from '../program.ts'
import { crash } from './crash.ts'
import { format } from './report.ts'

const USAGE = `Usage: npm run crash -- [--posts 2000] [--clients 16] [--kills 5] [--restarts 3] [--seed n]

Clients post without pause, while the service (the built one, in a process of its own) is killed with SIGKILL and
started again, and its Postgres (of its own, with fsync) is stopped in immediate mode, which is as a crash, and
started again: spread over the posts, and the same for the same seed. A post that was refused is tried again.

Exit code 1 unless
- every post answered with 201 is in the database, once, with its id, title and content
- no post is there twice, or though every answer was a refusal
- every other answer is a 503 with a code of the document: OVERLOADED, or, while Postgres is away, DATABASE_UNAVAILABLE
  (the post is not there) or COMMIT_OUTCOME_UNKNOWN (it may be)
- connections are refused or lost only while the service is away, answers come whole, and none takes over 35 s`

await program(
  USAGE,
  { posts: 2_000, clients: 16, kills: 5, restarts: 3, seed: newSeed() },
  async (options, scope) => {
    console.log(`seed ${options.seed}`)
    const report = await crash(scope, { ...options, say: console.log })
    console.log(format(report))
    return report.violations.length === 0
  },
)
