import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { rm } from 'node:fs/promises'
import os from 'node:os'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { FastifyBaseLogger } from 'fastify'

const CHECKOUT = resolve(import.meta.dirname, '../../..')
const run = promisify(execFile)

/** The site of `npm run docs`: a folder of files, which may appear, change and disappear while the service runs. */
export interface Site {
  readonly dir: string
  /** True while it is being built. */
  isBeingBuilt(): boolean
}

export interface SiteBuilder extends Site {
  /** Builds it if it is missing or older than the docs. A failure is logged. */
  build(log: FastifyBaseLogger): Promise<void>
  /** Ends a build that is under way. */
  stop(): Promise<void>
}

/** Creates the site in `dir`. A process at the lowest priority builds it, and moves it there when it is complete. */
export function createSite(dir: string): SiteBuilder {
  let end: (() => Promise<void>) | undefined

  return {
    dir,
    isBeingBuilt: () => end !== undefined,
    stop: async () => end?.(),
    async build(log) {
      if (!mayWrite(dirname(dir))) return
      const running = run(process.execPath, ['--import', 'tsx', BUILD, '--if-older'], {
        cwd: CHECKOUT,
        // It needs none of the service's secrets.
        env: { PATH: process.env.PATH, AUTH_PRIMER_SITE_DIR: dir },
      })
      const { child } = running
      if (child.pid !== undefined) os.setPriority(child.pid, os.constants.priority.PRIORITY_LOW)
      let isStopped = false
      const done = running.catch(async ({ message, stderr = '' }: Error & { stderr?: string }) => {
        // A build that is killed leaves its folders, which have the id of its process in their names.
        if (child.signalCode !== null)
          for (const folder of [dir, WORK])
            await rm(`${folder}.${child.pid}`, { recursive: true, force: true })
        // Ctrl-C in a terminal ends the build, too.
        if (isStopped || child.signalCode === 'SIGINT') return
        const why = stderr.trim().split('\n').at(-1) || message
        log.warn(`There is no guide. ${why} (\`npm run docs\` prints more)`)
      })
      end = async () => {
        isStopped = true
        child.kill('SIGKILL')
        await done
      }
      await done
      end = undefined
    },
  }
}

const BUILD = resolve(CHECKOUT, 'tools/guide/site/build.ts')
const WORK = resolve(CHECKOUT, 'tools/guide/.work')

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}
