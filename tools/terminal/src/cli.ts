import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const HELP = `Starts the service for a class.

  npm run class                start it on the network; print the address to join, also as a QR code
  npm run class -- 05          the same, and open the presenter's view of lesson 05
  npm run class -- --reset     put the demo data and all exercises back; the service may keep running

Everyone in the room can reach the service, but only this computer can open X-ray, with the key in the address that is printed.
\`--reset\` deletes all users, posts and votes, and keeps your changed exercises in the chapters' .backups/.
To choose the network or the port, set HOST and PORT, as for \`npm start\`.
`

const CHECKOUT = resolve(import.meta.dirname, '../../..')

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      reset: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  })
  const [lesson, ...rest] = positionals
  if (values.help) return void process.stdout.write(HELP)
  if (rest.length > 0 || (values.reset && lesson !== undefined))
    throw new Error(`Expected one lesson or --reset\n\n${HELP}`)
  if (values.reset) return reset()
  await startService(lesson === undefined ? '' : findLesson(lesson))
}

/** Returns the name of a lesson's page, such as `05` for `5`. */
function findLesson(name: string): string {
  const folder = resolve(CHECKOUT, 'docs/class')
  const files = existsSync(folder) ? readdirSync(folder) : []
  const lessons = files.flatMap((file) => /^(\d\d[a-z]?)\.md$/.exec(file)?.[1] ?? []).sort()
  const found = lessons.find((lesson) => lesson === name || lesson === `0${name}`)
  if (found !== undefined) return found
  throw new Error(`There is no such lesson. The lessons: ${lessons.join(', ')}`)
}

function reset(): void {
  const node = [process.execPath, '--import', './tools/processes/tsx.js']
  run([process.execPath, resolve(CHECKOUT, 'examples/social-api/dist/cli.js'), 'reset', '--force'])
  run([...node, resolve(CHECKOUT, 'tools/learn/src/cli.ts'), 'reset', 'all', '--yes'])
}

function run([program = '', ...args]: string[]): void {
  const { status } = spawnSync(program, args, { cwd: CHECKOUT, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}

/** Runs the built service in this process, so it receives the signals of the terminal. */
async function startService(lesson: string): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile()
  const { HOST = 'localhost' } = process.env
  if (/^(localhost$|127\.|::1$)/i.test(HOST)) process.env.HOST = '0.0.0.0'
  process.argv.splice(2, Number.POSITIVE_INFINITY, '--build-guide', `--class=${lesson}`)
  await import(pathToFileURL(resolve(CHECKOUT, 'examples/social-api/dist/src/server.js')).href)
}

await main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})
