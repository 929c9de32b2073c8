import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../../test-support/ports.ts'
import { run, type Scope, SERVER } from '../../../test-support/process.ts'

/** Measured after a garbage collection: bytes, and numbers of handles and open files. */
export type ResourceUsage = {
  readonly heapUsed: number
  readonly external: number
  readonly rss: number
  readonly handles: number
  readonly files: number
}

export interface ServiceProcess {
  readonly url: string
  /** Sends SIGKILL, as a power cut would: the process has no time to do anything. */
  kill(): Promise<void>
  resourceUsage(): Promise<ResourceUsage>
  output(): string
}

/** As in production, except for bcrypt's cost and the rate limits. */
const ENV = {
  NODE_ENV: 'production',
  JWT_SECRET: 'an own secret for this test, 32 bytes or more',
  LOG_LEVEL: 'warn',
  METRICS_PORT: '0',
  BCRYPT_COST: '10',
  THROTTLE_REQUESTS_PER_MINUTE: '1000000',
  THROTTLE_SIGN_UPS_PER_MINUTE: '1000000',
  THROTTLE_FAILED_LOGINS_PER_ACCOUNT: '1000000',
  THROTTLE_FAILED_LOGINS_PER_ADDRESS: '1000000',
}

const PROBE = resolve(import.meta.dirname, 'probe.js')

/** Starts the built service, and resolves when it is ready. `imports` are modules to load first. */
export async function startService(
  scope: Scope,
  { databaseUrl, port, imports = [] }: { databaseUrl: string; port?: number; imports?: string[] },
): Promise<ServiceProcess> {
  const PORT = String(port ?? (await freePort()))
  const [node = '', ...server] = SERVER
  const preloads = [PROBE, ...imports].flatMap((path) => ['--import', path])
  const { child, output, waitForExit } = run(
    scope,
    [node, '--expose-gc', ...preloads, ...server],
    { ...ENV, DATABASE_URL: databaseUrl, PORT },
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], isRecorded: false },
  )
  const url = `http://127.0.0.1:${PORT}`
  while (!(await isReady(url))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`no start:\n${output()}`)
    await sleep(20)
  }
  return {
    url,
    output,
    async kill() {
      child.kill('SIGKILL')
      await waitForExit()
    },
    async resourceUsage() {
      const reply = once(child, 'message')
      child.send('report usage')
      const [usage] = await reply
      return usage as ResourceUsage
    },
  }
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/ready`).then(
    ({ status }) => status === 200,
    () => false,
  )
}
