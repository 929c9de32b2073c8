import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { FastifyBaseLogger } from 'fastify'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const run = promisify(execFile)

/** The guide as `npm run docs` builds it: a folder of files, which may come, go and change while the service runs. */
export interface Site {
  readonly dir: string
  /** True while it is being built. */
  isBeingBuilt(): boolean
}

export interface SiteBuilder extends Site {
  /** Builds it where it is missing or older than the docs; what goes wrong is a line in the log. */
  build(log: FastifyBaseLogger): Promise<void>
  /** Ends a build that is under way. */
  stop(): Promise<void>
}

/** The site in `dir`. It is built by a process of its own, at the lowest priority, which puts it there when it is whole. */
export function siteIn(dir: string): SiteBuilder {
  let end: (() => Promise<void>) | undefined

  return {
    dir,
    isBeingBuilt: () => end !== undefined,
    stop: async () => end?.(),
    async build(log) {
      if (!mayWrite(dirname(dir))) return
      const running = run('nice', ['-n', '19', process.execPath, '--import', 'tsx', BUILD, '--if-older'], {
        cwd: CHECKOUT,
        // It needs none of the service's secrets.
        env: { PATH: process.env.PATH, AUTH_PRIMER_SITE_DIR: dir },
      })
      const { child } = running
      let isEnded = false
      end = async () => {
        isEnded = true
        const exit = once(child, 'exit')
        child.kill('SIGKILL')
        await exit
        // Where it was at work: it names the folder after itself.
        await rm(`${dir}.${child.pid}`, { recursive: true, force: true })
      }
      await running.catch(({ message, stderr = '' }: Error & { stderr?: string }) => {
        if (isEnded) return
        const why = stderr.trim().split('\n').at(-1) || message
        log.warn(`/guide shows plain pages. ${why} (\`npm run docs\` tells more)`)
      })
      end = undefined
    },
  }
}

const BUILD = resolve(CHECKOUT, 'tools/guide/site/build.ts')

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}
