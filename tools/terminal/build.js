// Builds what `npm start` runs, and prints that only if there is something to build.
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '../..')
const TSC = resolve(root, 'node_modules/typescript/bin/tsc')
const tsc = spawn(
  process.execPath,
  // Checking the types would take half of the time. `npm run typecheck` does that.
  [TSC, '-b', resolve(root, 'examples/social-api'), '--noCheck', '--verbose'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
tsc.on('exit', (code) => {
  process.exitCode = code ?? 1
})

let isBuilding = false
createInterface({ input: tsc.stdout }).on('line', (line) => {
  // A line about the progress begins with the time, and may be followed by a list.
  const isProgress = /^(\d+:\d+:\d+ [AP]M - | {4}\* |$)/.test(line)
  if (!isProgress) console.log(line)
  else if (!isBuilding && line.includes(' - Building project')) {
    isBuilding = true
    console.log('Building the service, which takes a few seconds the first time…')
  }
})
