import { CRITERION } from '../holdings.ts'
import { newSeed, program } from '../program.ts'
import { Finding } from './fuzz.ts'
import { fuzzProcess } from './process.ts'

const USAGE = `Usage: npm run fuzz -- [--requests 10000] [--seed n]

Sends requests made from the service's OpenAPI document to every operation in it, half of them spoilt, and the same for the
same seed. The service is the built one in a process of its own, so that its memory can be told from that of the fuzzing.

Exit code 1 unless
- every answer is one that the document declares, of its type and as its schema says, and none is a 5xx or takes over 35 s
- what the document calls good is not refused as malformed, and what it calls bad is
- each operation has answered with a 2xx and with a 4xx
- the service's memory and handles are flat

${CRITERION}`

await program(USAGE, { requests: 10_000, seed: newSeed() }, async (options, scope) => {
  console.log(`seed ${options.seed}`)
  try {
    const { lines, isWell } = await fuzzProcess(scope, { ...options, say: console.log })
    console.log(lines.join('\n'))
    return isWell
  } catch (error) {
    if (!(error instanceof Finding)) throw error
    console.error(error.message)
    return false
  }
})
