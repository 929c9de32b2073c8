import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { freePort } from '../../../test-support/ports.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const PROGRAM = resolve(import.meta.dirname, '../fixture/cli.ts')

t.test(
  'with --watch, a save restarts the server and checks it again, and the stage reached is remembered',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'challenge-'))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const port = await freePort()
    const faults = join(folder, 'faults.txt')
    await writeFile(faults, 'edit-missing')
    const command = `exec node --import tsx ${PROGRAM} --port ${port} --file ${join(folder, 'rows.jsonl')} --faults $(cat ${faults})`
    const args = [
      'tools/challenge/src/cli.ts',
      `http://127.0.0.1:${port}`,
      '--watch',
      folder,
      '--command',
      command,
    ]
    const child = spawn('node', ['--import', 'tsx', ...args], {
      cwd: CHECKOUT,
      env: { ...process.env, NO_COLOR: '1', SECRET: 'c3d9e1'.repeat(8) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    let output = ''
    const shows = async (text: string): Promise<string> => {
      while (!output.includes(text)) output += String((await once(child.stdout, 'data'))[0])
      const shown = output
      output = ''
      return shown
    }

    const first = await shows('Waiting for you to save a file')
    t.match(first, '✗ 04 Posts are edited and deleted')
    t.match(first, 'You have passed stage 03 for the first time.')
    t.match(JSON.parse(await readFile(join(folder, '.challenge.json'), 'utf8')), { reached: '03' })

    await writeFile(faults, 'none')
    const second = await shows('Waiting for you to save a file')
    t.match(second, '✓ 20 A refresh token gets a new access token')
    t.notMatch(second, '21 Login attempts are limited\n', 'stage 21 is checked only on request')

    await writeFile(faults, 'root')
    t.match(await shows('Waiting for you to save a file'), 'You previously passed stage 20.')

    child.kill('SIGINT')
    await once(child, 'exit')
    await t.rejects(fetch(`http://127.0.0.1:${port}`), 'Ctrl-C ends the server')
  },
)
