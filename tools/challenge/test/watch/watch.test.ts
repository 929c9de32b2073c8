import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../../../test-support/ports.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../../..')
const PROGRAM = resolve(import.meta.dirname, '../../fixture/cli.ts')

/** Starts `--watch` in a pipe, on a server whose faults are in a file of the watched folder. */
async function startWatch(t: Test, faults: string, start: (server: string, url: string) => string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'challenge-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const url = `http://127.0.0.1:${await freePort()}`
  const file = join(folder, 'faults.txt')
  await writeFile(file, faults)
  const rows = join(folder, 'rows.jsonl')
  const server = `exec node --import tsx ${PROGRAM} --port ${new URL(url).port} --file ${rows} --faults $(cat ${file})`
  const args = ['tools/challenge/src/cli.ts', url, '--watch', folder, ...start(server, url)]
  const child = spawn('node', ['--import', 'tsx', ...args], {
    cwd: CHECKOUT,
    env: { ...process.env, NO_COLOR: '1', SECRET: 'c3d9e1'.repeat(8) },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  return {
    url,
    child,
    save: (faults: string) => writeFile(file, faults),
    readReached: async () => JSON.parse(await readFile(join(folder, '.challenge.json'), 'utf8')),
    /** Waits for this text, and returns what was printed since the last one. */
    async shows(text: string): Promise<string> {
      while (!output.includes(text)) await once(child.stdout, 'data')
      const shown = output
      output = ''
      return shown
    },
  }
}

t.test(
  'a save restarts the server and checks it again, keys work, and the stage is remembered',
  async (t) => {
    const watch = await startWatch(t, 'edit-missing', (server) => ['--command', server])
    const { url, child, shows } = watch

    const first = await shows('3 of 21 stages')
    t.match(
      first,
      '04 · Posts are edited and deleted\n\nRead docs/build-your-own/04-edits-and-deletes-posts.md\n',
    )
    t.match(first, '✗ PUT and DELETE return a 404 for a post that does not exist')
    t.match(first, /sent: +PUT \/posts\/2000000000, [^✗]*\nexpected: status 404 or 410\nactual: +200 \{\}\n/)
    t.match(first, 'You have passed stage 03 for the first time.')
    t.match(first, 'Save to check again. Stuck? Press h for a hint.')
    t.notMatch(first, 'Hint 1')
    t.notMatch(first, '\x1b', 'a pipe gets no control characters')
    t.same(await watch.readReached(), { reached: '03' })
    child.stdin.write('h')
    t.match(await shows('3 of 21 stages'), 'Hint 1 of 3: How does your handler know')

    await watch.save('none')
    const second = await shows('20 of 21 stages')
    t.match(second, 'You have passed stage 20 for the first time.')
    t.match(second, '21 · Login attempts are limited')
    t.match(second, 'so it is checked only if')
    child.stdin.write('r')
    t.match(await shows('21 of 21 stages'), 'All stages pass.')

    await watch.save('root')
    const third = await shows('20 of 21 stages')
    t.match(third, 'You previously passed stage 21. Stage 01 fails now.')
    t.match(third, '✗ GET / returns a success status')
    t.same(await watch.readReached(), { reached: '21' })

    child.kill('SIGINT')
    await once(child, 'exit')
    await t.rejects(fetch(url), 'Ctrl-C ends the server')
  },
)

/** Starts a server in this process that passes stage 1 or fails it, and calls `onRequest` with each path. */
async function startOwn(
  port: number,
  isRight: boolean,
  onRequest: (path: string) => void,
): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/' || !isRight ? 200 : 404).end()
    onRequest(request.url ?? '')
  })
  server.on('connection', (socket) => sockets.add(socket))
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  }
}

t.test('a server that reloads by itself after it was checked is checked again', async (t) => {
  const watch = await startWatch(t, '1', () => [])
  const judged = new EventEmitter()
  let isSaved = false
  const stop = await startOwn(Number(new URL(watch.url).port), false, (path) => {
    if (isSaved && path !== '/') judged.emit('judged')
  })
  t.match(await watch.shows('0 of 21 stages'), '✗ an unknown path does not return a success status')

  isSaved = true
  const isJudged = once(judged, 'judged')
  await watch.save('2')
  // this run judges the old server, which has not noticed the save yet
  await isJudged
  await stop()
  t.teardown(await startOwn(Number(new URL(watch.url).port), true, () => {}))
  t.match(await watch.shows('1 of 21 stages'), 'You have passed stage 01 for the first time.')
  watch.child.stdin.write('q')
  t.same(await once(watch.child, 'exit'), [0, null])
  t.match(
    await watch.shows('1 of 21 stages pass.'),
    'The same command continues with 02 · Input is validated.',
  )
})
