import { createSeed, runProgram } from '../program.ts'
import { CRITERION } from '../resource-usage.ts'
import { Finding } from './fuzz.ts'
import { fuzzProcess } from './process.ts'

const USAGE = `Usage: npm run fuzz -- [--requests 10000] [--seed n]

Sends every operation requests made from the service's OpenAPI document, half of them mutated. The same seed repeats the same
requests. The service is the built one in its own process, so that its memory can be measured.

Exit code 1 unless
- every response is one that the document declares, with its media type and schema; none is a 5xx or takes over 35 s
- requests that the document calls valid are not refused as malformed, and invalid ones are
- each operation has responded with a 2xx and with a 4xx
- the service's memory and handles are flat

${CRITERION}`

await runProgram(USAGE, { requests: 10_000, seed: createSeed() }, async (options, scope) => {
  console.log(`seed ${options.seed}`)
  try {
    const { lines, isWell } = await fuzzProcess(scope, { ...options, log: console.log })
    console.log(lines.join('\n'))
    return isWell
  } catch (error) {
    if (!(error instanceof Finding)) throw error
    console.error(error.message)
    return false
  }
})
