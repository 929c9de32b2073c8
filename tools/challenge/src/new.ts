// Creates a folder with a server that passes stage 1 and no more.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type NewOptions, type Starter, UsageError } from './options.ts'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const STARTERS_FOLDER = resolve(import.meta.dirname, '../starters')
const PACKAGES = ['auth-hash', 'db-session', 'jwt-kit']

/** How each starter begins: what to install, and what starts it at each save. */
const STARTS: Record<Starter, { install: string; dev: string }> = {
  fastify: { install: 'npm install', dev: 'npm run dev' },
  'fastify-plain': { install: 'npm install', dev: 'npm run dev' },
  express: { install: 'npm install', dev: 'npm run dev' },
  fastapi: {
    install: 'python3 -m venv .venv && .venv/bin/pip install -r requirements.txt',
    dev: '.venv/bin/uvicorn main:app --port 8000 --reload',
  },
}

/** Returns what to do next. Rejects if the folder has files already. */
export async function createStarter(
  { folder, starter, shown }: NewOptions,
  print: (text: string) => void,
): Promise<string> {
  const isEmpty = await readdir(folder).then(
    (names) => names.length === 0,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
  if (!isEmpty) throw new UsageError('The folder is not empty. Give the name of a new folder.')
  await mkdir(folder, { recursive: true })
  await cp(resolve(STARTERS_FOLDER, starter), folder, { recursive: true })
  // a secret that nobody else has, in a file that Git ignores
  await writeFile(resolve(folder, '.env'), `PORT=8000\nJWT_SECRET=${randomBytes(32).toString('hex')}\n`, {
    mode: 0o600,
  })
  await writeFile(
    resolve(folder, '.gitignore'),
    'node_modules/\n.venv/\n__pycache__/\n.env\n.challenge.json\n',
  )
  if (starter === 'fastify') {
    print('Packing auth-hash, db-session and jwt-kit…\n')
    await packPackages(resolve(folder, 'vendor'))
  }
  const { install, dev } = STARTS[starter]
  return [
    `Your server is in ${shown}. Start it in a separate terminal:`,
    '',
    `  cd ${shown} && ${install}`,
    `  ${dev}`,
    '',
    'In this terminal, check your progress each time you save a file:',
    '',
    `  npm run challenge -- http://127.0.0.1:8000 --watch ${shown}`,
    '',
  ].join('\n')
}

/** The packages are not on the registry yet, so the starter installs them from tarballs. */
async function packPackages(folder: string): Promise<void> {
  await run('node_modules/typescript/bin/tsc', '-b', ...PACKAGES.map((name) => `packages/${name}`))
  await run('.ci/pack.js', folder)
  for (const file of await readdir(folder)) {
    const name = PACKAGES.find((name) => file.startsWith(`auth-primer-${name}-`))
    if (name) await rename(resolve(folder, file), resolve(folder, `${name}.tgz`))
    else await rm(resolve(folder, file))
  }
}

/** Runs a program of this repository with Node. */
async function run(...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: CHECKOUT, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`\`node ${args.join(' ')}\` failed.`)
}
