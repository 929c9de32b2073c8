import { report } from './report.ts'
import { trace } from './trace.ts'

const USAGE = `Usage: npm run trace -- <method> <path>

Lists the project's files that the third such request executes, in the order of their first execution, with the number of
functions that ran. The service is started with its demo data; bodies come from the examples of its OpenAPI document.

  npm run trace -- POST /login
  npm run trace -- GET '/posts?limit=10'`

const [method, path, ...rest] = process.argv.slice(2)
if (method === undefined || !path?.startsWith('/') || rest.length > 0) {
  console.error(USAGE)
  process.exit(method === '--help' ? 0 : 1)
}

const ends: (() => unknown)[] = []
try {
  console.log(report(method, path, await trace({ teardown: (end) => void ends.push(end) }, method, path)))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  for (const end of ends.reverse()) await end()
}
