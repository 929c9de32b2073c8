// Each starting point as a learner gets it: installed by itself, from the registry and from packed tarballs.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { listReached, STAGE_1_ONLY, startServer } from '../fixture/start.ts'
import { createStarter } from '../src/new.ts'

const run = promisify(execFile)

for (const starter of ['fastify', 'fastify-plain', 'express'] as const) {
  t.test(`the starting point ${starter} installs, starts, and passes stage 1 and no more`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'challenge-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    await createStarter({ folder, starter, shown: 'my-api' }, () => {})
    await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder })
    if (starter === 'fastify') await run('npm', ['run', 'typecheck'], { cwd: folder })
    const { url } = await startServer(t, (port) => `cd ${folder} && PORT=${port} npm start`)
    t.same(await listReached(url), STAGE_1_ONLY)
  })
}
