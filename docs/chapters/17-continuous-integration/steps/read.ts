import { readFile } from 'node:fs/promises'
import { readWorkflow } from '../runner.ts'

const [path = ''] = process.argv.slice(2)
// #region read
const { on, jobs } = readWorkflow(await readFile(path, 'utf8'))
console.log('when:', on)
for (const [name, { services, steps }] of Object.entries(jobs ?? {})) {
  console.log('job:', name)
  console.log('services:', Object.keys(services ?? {}))
  console.log(
    'steps:',
    steps?.map(({ uses, run }) => uses ?? run),
  )
}
// #endregion
