/** No request ends the process. The offending app runs in a separate process, so a crash is a failed test. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Expected } from './fragile-app.ts'
import { openDatabase } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))

let child: ChildProcess | undefined
let base = ''
let output = ''
t.teardown(() => child?.kill())

/** Starts the app of fragile-app.ts, if it is not running. */
async function serve(): Promise<void> {
  if (child && child.exitCode === null && child.signalCode === null) return
  output = ''
  child = fork(fileURLToPath(new URL('./fragile-app.ts', import.meta.url)), [database.url], { silent: true })
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data) => {
      output += data
    })
  const [message] = await once(child, 'message')
  base = message.base
}

/** The status and the code, or how the process ended. */
async function post(path: string): Promise<{ status: number | string; json: Record<string, unknown> }> {
  await serve()
  const exited = once(child as ChildProcess, 'exit').then(() => ({ status: `crashed: ${output}`, json: {} }))
  const response = fetch(base + path, { method: 'POST', signal: AbortSignal.timeout(15_000) }).then(
    async (response) => ({ status: response.status, json: JSON.parse((await response.text()) || '{}') }),
    (error: Error) => ({ status: child?.exitCode === null ? String(error) : `crashed: ${output}`, json: {} }),
  )
  const result = await Promise.race([response, exited])
  if (path === '/alive' || typeof result.status === 'string') return result
  const alive = await post('/alive')
  return alive.status === 200 && alive.json.used === 0 ? result : alive
}

await serve()
const names = (await (await fetch(`${base}/names`)).json()) as Record<string, Expected>
for (const [name, expected] of Object.entries(names)) {
  t.test(`the process survives ${name}`, async (t) => {
    const path = `/${encodeURIComponent(encodeURIComponent(name))}`
    const response = await post(path)
    t.match(String(response.status), new RegExp(`^(${expected.status})$`), JSON.stringify(response.json))
    if (expected.code) t.match(response.json, { code: expected.code })
    if (expected.seen) t.same(await database.see('select email from users order by id'), expected.seen)
    if (expected.types) t.same(response.json.types, expected.types)
  })
}

t.test('the process did not crash, and every rejected promise had a handler', async (t) => {
  const response = await post('/alive')
  t.same(response.json, { used: 0, unhandled: [] })
})
