import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '../../../test-support/client.ts'
import { type OpenApi, type Operation, readOperations } from '../../../test-support/document.ts'
import { CHECKOUT, LISTENS, run, type Scope, SERVER } from '../../../test-support/process.ts'
import { createBody } from './samples.ts'

const PROBE = resolve(import.meta.dirname, 'probe.js')

/** The folders that a workspace may have its sources in, below which `dist` repeats them. */
const SOURCE_FOLDERS = ['', 'src', 'server']

export interface TracedFile {
  /** Its path from the checkout, such as `packages/auth-hash/src/verify.ts`. */
  readonly path: string
  /** The names of its functions that ran. */
  readonly functions: readonly string[]
}

export interface Trace {
  readonly status: number
  /** In the order of their first execution. */
  readonly files: readonly TracedFile[]
}

interface CoveredScript {
  readonly scriptId: string
  readonly url: string
  readonly functions: readonly { readonly functionName: string }[]
}

/**
 * Starts the built service with its demo data, and returns which files of the project the third request of a kind
 * executes. The first two load and compile code that only they need. The order is that of a fourth request.
 *
 * @param path - with its query, and with values for its parameters: `/posts/1`
 */
export async function trace(scope: Scope, method: string, path: string): Promise<Trace> {
  const dir = await mkdtemp(join(tmpdir(), 'auth-primer-trace-'))
  scope.teardown(() => rm(dir, { recursive: true, force: true }))
  const [node = '', ...server] = SERVER
  const { child, waitForOutput, waitForExit, output } = run(
    scope,
    [node, '--import', PROBE, ...server],
    { AUTH_PRIMER_DATA_DIR: dir, LOG_LEVEL: 'info' },
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], isRecorded: false },
  )
  const url = await waitForOutput(LISTENS)
  const probe = async <T>(command: string, options: object = {}): Promise<T> => {
    const reply = Promise.race([once(child, 'message'), waitForExit().then(() => [])])
    child.send({ command, ...options })
    const [message] = (await reply) as unknown[]
    if (message === undefined) throw new Error(`The service ended:\n${output()}`)
    return message as T
  }

  const { call } = createClient(url)
  const { body: document } = await call('GET', '/openapi.json')
  const operation = findOperation(document, method, path)
  const token = operation.security?.length ? await logIn(document, url) : undefined
  const send = async (n: number) => {
    const body = createBody(operation, n)
    const { status } = await call(method, path, {
      ...(token !== undefined && { token }),
      ...(body && { text: body.text, headers: { 'content-type': body.type } }),
    })
    return status
  }

  await send(1)
  await send(2)
  await probe('takeCoverage')
  const status = await send(3)
  const covered = await probe<CoveredScript[]>('takeCoverage')
  const scripts = covered.filter(({ url }) => isInProject(url))
  await probe('watchOrder', { scripts })
  await send(4)
  const order = await probe<string[]>('takeOrder')
  const rank = ({ url }: CoveredScript) => (order.includes(url) ? order.indexOf(url) : order.length)
  return {
    status,
    files: scripts
      .toSorted((one, other) => rank(one) - rank(other))
      .map(({ url, functions }) => ({
        path: findSource(url),
        functions: functions.map(({ functionName }) => functionName || '(anonymous)'),
      })),
  }
}

/** Finds the operation that serves a path. A path without parameters goes before one with. */
function findOperation(document: OpenApi, method: string, path: string): Operation {
  const [wanted = ''] = path.split('?')
  const found = readOperations(document)
    .filter((one) => one.method === method.toUpperCase() && toPattern(one.path).test(wanted))
    .toSorted((one, other) => one.path.split('{').length - other.path.split('{').length)[0]
  if (found === undefined) throw new Error(`The service's document has no ${method} ${wanted}`)
  return found
}

function toPattern(template: string): RegExp {
  return new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`)
}

/** Logs in as the user of the document's example, who is in the demo data. */
async function logIn(document: OpenApi, url: string): Promise<string> {
  const body = createBody(findOperation(document, 'POST', '/login'), 0)
  const { body: login } = await createClient(url).call('POST', '/login', {
    text: body?.text ?? '',
    headers: { 'content-type': body?.type ?? '' },
  })
  return login.access_token
}

function isInProject(url: string): boolean {
  const path = relative(CHECKOUT, fileURLToPath(url))
  return !path.startsWith('..') && !path.split(sep).includes('node_modules') && fileURLToPath(url) !== PROBE
}

/** Returns the TypeScript file that a file in a `dist` folder was compiled from. */
function findSource(url: string): string {
  const path = relative(CHECKOUT, fileURLToPath(url))
  const [workspace = '', rest = ''] = path.split(`${sep}dist${sep}`)
  const name = rest.replace(/\.js$/, '.ts')
  const candidates = SOURCE_FOLDERS.map((folder) => join(workspace, folder, name))
  return candidates.find((candidate) => existsSync(resolve(CHECKOUT, candidate))) ?? path
}
