import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../../test-support/ports.ts'
import { runCheck } from '../src/run.ts'
import { ServerProcess } from '../src/server-process.ts'
import { keepsWhatItAcknowledged } from '../src/stages/19-keeps-what-it-acknowledged.ts'
import { Subject } from '../src/subject.ts'

const PROGRAM = resolve(import.meta.dirname, '../fixture/cli.ts')
process.env.SECRET = 'b7e4d2'.repeat(8)

async function judge(t: Test, faults: string) {
  const port = await freePort()
  const file = join(tmpdir(), `challenge-${process.pid}-${port}.jsonl`)
  const url = new URL(`http://127.0.0.1:${port}`)
  const command = `node --import tsx ${PROGRAM} --port ${port} --file ${file} --faults ${faults}`
  const server = new ServerProcess(command, url)
  t.teardown(() => server.kill())
  t.teardown(() => rm(file, { force: true }))
  await server.start()
  const subject = new Subject({ url, server })
  const results = []
  for (const check of keepsWhatItAcknowledged.checks) results.push(await runCheck(check, subject))
  return results.map(({ check, state, failure }) => ({ id: check.id, state, reason: failure?.message }))
}

t.test('a server that stores before it responds, and has a fixed secret, passes', async (t) => {
  t.match(await judge(t, 'none'), [{ state: 'passed' }, { state: 'passed' }])
})

t.test('a server that keeps posts in its memory loses them', async (t) => {
  t.match(await judge(t, 'loses-posts'), [{ id: 'loses-posts', state: 'failed' }, { state: 'passed' }])
})

t.test('a server with a secret made at start forgets the logins', async (t) => {
  t.match(await judge(t, 'forgets-logins'), [{ state: 'passed' }, { id: 'forgets-logins', state: 'failed' }])
})

t.test('a command that ends by itself is an error with its output', async (t) => {
  const url = new URL(`http://127.0.0.1:${await freePort()}`)
  await t.rejects(new ServerProcess('echo tomatoes; exit 3', url).start(), /exited on its own.*tomatoes/s)
})
