import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { copyCheckout } from '../../../test-support/checkout.ts'
import { findChapter, readChapters } from '../src/chapters.ts'
import { fingerprint, readFiles } from '../src/exercise.ts'
import { type Size, Terminal } from './terminal.ts'

/** A learner's copy of the repository, with its own data folder. Its exercises may be changed. */
export class Checkout {
  readonly dir: string
  readonly data: string

  constructor(t: Test) {
    this.dir = copyCheckout(t, isNeeded)
    this.data = join(this.dir, '.data')
  }

  /** Makes this chapter the one that the learner worked on last. */
  async setLastChapter(chapter: string): Promise<void> {
    mkdirSync(this.data)
    await writeFile(join(this.data, 'learn.json'), JSON.stringify({ chapter }))
  }

  /** Marks each chapter as passed with its current files. */
  async markAllAsPassed(): Promise<void> {
    const passed: Record<string, string> = {}
    for (const { number, folder } of await readChapters())
      passed[number] = fingerprint(await readFiles(join(folder, 'exercise')))
    mkdirSync(this.data)
    await writeFile(join(this.data, 'learn.json'), JSON.stringify({ passed }))
  }

  /** Runs `npm run learn` with these arguments in a terminal. */
  async learn(t: Test, args = '', options: Size & { term?: string } = {}): Promise<Terminal> {
    const { term, ...size } = options
    const env = { AUTH_PRIMER_DATA_DIR: this.data, NODE_OPTIONS: '' }
    // tmux sets TERM itself.
    const settings = `unset TEST_POSTGRES_URL DATABASE_URL; ${term ? `export TERM=${term};` : ''}`
    const command = `${settings} npm run --silent learn ${args}`
    const terminal = await Terminal.open(command, { cwd: this.dir, env, ...size })
    t.teardown(() => terminal.close())
    return terminal
  }

  /** Copies a file from another folder of the chapter to `exercise/`. */
  async copyToExercise(chapter: string, folder: string, file: string): Promise<void> {
    await copyFile(await this.path(chapter, folder, file), await this.path(chapter, 'exercise', file))
  }

  async save(chapter: string, file: string, text: string): Promise<void> {
    await writeFile(await this.path(chapter, 'exercise', file), text)
  }

  async delete(chapter: string, file: string): Promise<void> {
    await rm(await this.path(chapter, 'exercise', file))
  }

  async read(chapter: string, folder: string, file: string): Promise<string> {
    return readFile(await this.path(chapter, folder, file), 'utf8')
  }

  /** Returns the path in the copy. */
  async path(chapter: string, ...names: string[]): Promise<string> {
    const { folder } = await findChapter(chapter)
    return resolve(this.dir, 'docs/chapters', basename(folder), ...names)
  }

  /** Returns the process of its Postgres, if it runs. */
  postgresPid(): number | undefined {
    const file = join(this.data, 'postgres/data/postmaster.pid')
    return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined
  }

  /** Waits until no process is left, and returns those that do not end. */
  async waitForEnd(): Promise<string[]> {
    for (let tries = 0; tries < 400 && this.processes().length > 0; tries += 1) await sleep(25)
    return this.processes()
  }

  /** Returns the processes that run in it, by their folder or command line (Linux). */
  processes(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
          const folder = readlinkSync(`/proc/${pid}/cwd`)
          const isOurs = command.includes(this.dir) || folder.startsWith(this.dir)
          return isOurs && !/^(sleep|tmux|sh|bash) /.test(command) ? [`${pid} ${command}`] : []
        } catch {
          return []
        }
      })
  }
}

const isNeeded = (file: string) => /^(docs|migrations|packages|test-support|tools)\/|^[^/]+\.json$/.test(file)
