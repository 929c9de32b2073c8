// Real servers: the complete service, solutions in three frameworks and two languages, and the starting points.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t, { type Test } from 'tap'
import { freePort } from '../../../test-support/ports.ts'
import { createStarter } from '../src/new.ts'
import { STARTERS } from '../src/options.ts'
import { runStages } from '../src/run.ts'
import { ServerProcess } from '../src/server-process.ts'
import { STAGES } from '../src/stages/index.ts'
import { Subject } from '../src/subject.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const SOLUTIONS = resolve(import.meta.dirname, '../solutions')
const ORIGIN = 'https://app.example.com'
/** Debian's, with its packages: another Python may come first in the PATH. */
const UVICORN = '/usr/bin/python3 -m uvicorn main:app --log-level warning'
const run = promisify(execFile)

// npm's own variables would make an npm inside a test act on this repository
for (const name of Object.keys(process.env)) if (/^(npm_|NODE_OPTIONS$)/.test(name)) delete process.env[name]

const servers: Record<string, (port: number) => string> = {
  'the complete service': () => `cd ${CHECKOUT} && exec node --import tsx examples/social-api/src/server.ts`,
  'the solution with Fastify and pg': () => `exec node ${SOLUTIONS}/fastify-pg/server.js`,
  'the solution with Express and CommonJS': () => `exec node ${SOLUTIONS}/express/server.js`,
  'the solution with FastAPI': (port) => `cd ${SOLUTIONS}/fastapi && exec ${UVICORN} --port ${port}`,
}

async function start(t: Test, command: (port: number) => string, databaseUrl?: string) {
  const port = await freePort()
  const secret = randomBytes(32).toString('hex')
  const environment = {
    PORT: String(port),
    JWT_SECRET: secret,
    ORIGIN,
    CORS_ORIGINS: ORIGIN,
    LOG_LEVEL: 'warn',
    ...(databaseUrl && { DATABASE_URL: databaseUrl }),
  }
  const url = new URL(`http://127.0.0.1:${port}`)
  const server = new ServerProcess(command(port), url, environment)
  t.teardown(() => server.stop())
  await server.start()
  return { url, server, secret }
}

for (const [title, command] of Object.entries(servers)) {
  t.test(`${title} passes every check of every stage`, async (t) => {
    const database = await createTestDatabase()
    t.teardown(database.drop)
    const { url, server, secret } = await start(t, command, database.url)
    const subject = new Subject({ url, server, secret, databaseUrl: database.url, origin: ORIGIN })
    const stages = await runStages(STAGES, subject, { isComplete: true })
    const others = stages.flatMap(({ results }) => results.filter(({ state }) => state !== 'passed'))
    t.same(
      others.map(({ check, failure, missing }) => [check.id, failure?.message ?? missing]),
      [],
    )
  })
}

for (const starter of STARTERS) {
  t.test(`the starting point ${starter} passes stage 1 and no more`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'challenge-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const next = await createStarter({ folder, starter, shown: 'my-api' }, () => {})
    t.match(next, /cd my-api && .*install/)
    if (starter !== 'fastapi') await run('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder })
    if (starter === 'fastify') await run('npm', ['run', 'typecheck'], { cwd: folder })
    const { url } = await start(t, (port) =>
      starter === 'fastapi'
        ? `cd ${folder} && exec ${UVICORN} --port ${port}`
        : `cd ${folder} && PORT=${port} npm start`,
    )
    const stages = await runStages(STAGES, new Subject({ url }), { isComplete: false })
    t.same(
      stages.map(({ stage, isPassed }) => [stage.number, isPassed]),
      [
        ['01', true],
        ['02', false],
      ],
    )
  })
}

t.test('a folder with files is not overwritten', async (t) => {
  const options = { folder: SOLUTIONS, starter: 'express', shown: 'solutions' } as const
  await t.rejects(
    createStarter(options, () => {}),
    /The folder is not empty/,
  )
})
