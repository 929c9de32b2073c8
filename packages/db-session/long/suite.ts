import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import type { Test } from 'tap'

const folder = new URL('../test/', import.meta.url)
const STRIP_TYPES = new URL('../../../test-support/strip-types/register.js', import.meta.url).href

/** Runs the default tests again, one file after the other, except those that are named with a reason. */
export function runSuite(t: Test, env: Record<string, string>, without: Record<string, string>): void {
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
  t.test('every file that is left out exists', async (t) => {
    t.same(
      Object.keys(without).filter((file) => !files.includes(file)),
      [],
    )
  })
  for (const file of files.filter((file) => !(file in without))) {
    t.test(file, async (t) => {
      const child = spawn(process.execPath, ['--import', STRIP_TYPES, file], {
        cwd: folder,
        env: { ...process.env, ...env },
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data) => {
          output += data
        })
      const [code] = await once(child, 'exit')
      t.equal(code, 0, `${file} ends well`)
      if (code !== 0) t.comment(failures(output))
      t.match(output, /^ok 1 /m, 'and has tests')
    })
  }
}

/** Returns the relevant lines of a failed file's output. */
function failures(output: string): string {
  const at = output.search(/^ *not ok/m)
  return output.slice(Math.max(0, at), at + 4_000)
}
