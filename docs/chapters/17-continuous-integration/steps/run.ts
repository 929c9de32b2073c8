import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readWorkflow, runWorkflow } from '../runner.ts'

const [path = '', change] = process.argv.slice(2)
const commit = await mkdtemp(join(tmpdir(), 'commit-'))
try {
  // #region run
  await cp('project', commit, { recursive: true })
  if (change === '--bug') await writeFile(join(commit, 'slug.js'), 'export const slug = (title) => title\n')

  const workflow = readWorkflow(await readFile(path, 'utf8'))
  const { passed, log } = await runWorkflow(workflow, commit)
  console.log(log + (passed ? 'green' : 'red'))
  // #endregion
} finally {
  await rm(commit, { recursive: true })
}
