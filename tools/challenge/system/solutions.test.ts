// Real servers: the complete service, solutions in three frameworks and two languages, and the starting points.
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t from 'tap'
import { listReached, ORIGIN, STAGE_1_ONLY, startServer } from '../fixture/start.ts'
import { createStarter } from '../src/new.ts'
import { runStages } from '../src/run.ts'
import { STAGES } from '../src/stages/index.ts'
import { Subject } from '../src/subject.ts'

// each server mostly waits for its database
t.jobs = 2

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const SOLUTIONS = resolve(import.meta.dirname, '../solutions')
/** Debian's, with its packages: another Python may come first in the PATH. */
const UVICORN = '/usr/bin/python3 -m uvicorn main:app --log-level warning'
const servers: Record<string, (port: number) => string> = {
  'the complete service': () => `cd ${CHECKOUT} && exec node --import tsx examples/social-api/src/server.ts`,
  'the solution with Fastify and pg': () => `exec node ${SOLUTIONS}/fastify-pg/server.js`,
  'the solution with Express and CommonJS': () => `exec node ${SOLUTIONS}/express/server.js`,
  'the solution with FastAPI': (port) => `cd ${SOLUTIONS}/fastapi && exec ${UVICORN} --port ${port}`,
}

for (const [title, command] of Object.entries(servers)) {
  t.test(`${title} passes every check of every stage`, async (t) => {
    const database = await createTestDatabase()
    t.teardown(database.drop)
    const { url, server, secret } = await startServer(t, command, database.url)
    const subject = new Subject({ url, server, secret, databaseUrl: database.url, origin: ORIGIN })
    const stages = await runStages(STAGES, subject, { isComplete: true })
    const others = stages.flatMap(({ results }) => results.filter(({ state }) => state !== 'passed'))
    t.same(
      others.map(({ check, failure, reason }) => [check.id, failure?.message ?? reason]),
      [],
    )
  })
}

for (const starter of ['fastify-plain', 'express', 'fastapi'] as const) {
  t.test(`the starting point ${starter} passes stage 1 and no more`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'challenge-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const next = await createStarter({ folder, starter, shown: 'my-api' }, () => {})
    t.match(next, /cd my-api && .*install/)
    // installed once, in this repository: `long/starters.test.ts` installs each by itself
    await symlink(resolve(CHECKOUT, 'node_modules'), resolve(folder, 'node_modules'))
    const { url } = await startServer(t, (port) =>
      starter === 'fastapi'
        ? `cd ${folder} && exec ${UVICORN} --port ${port}`
        : `cd ${folder} && PORT=${port} exec node --env-file=.env server.js`,
    )
    t.same(await listReached(url), STAGE_1_ONLY)
  })
}

t.test('a folder with files is not overwritten', async (t) => {
  const options = { folder: SOLUTIONS, starter: 'express', shown: 'solutions' } as const
  await t.rejects(
    createStarter(options, () => {}),
    /The folder is not empty/,
  )
})
