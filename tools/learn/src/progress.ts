import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { defaultDataDir } from '@auth-primer/tool-postgres'
import type { Chapter } from './chapters.ts'
import { fingerprint, readExercise } from './exercise.ts'

interface Stored {
  /** The chapter that was last worked on. */
  readonly chapter?: string
  /** The fingerprint of the files with which each chapter passed. */
  readonly passed: Readonly<Record<string, string>>
}

const path = () => resolve(defaultDataDir(), 'learn.json')

/** The numbers of the chapters whose files are those that passed. */
export async function readPassed(chapters: readonly Chapter[]): Promise<ReadonlySet<string>> {
  const { passed } = await read()
  const states = await Promise.all(
    chapters.map(async (chapter) => {
      const known = passed[chapter.number]
      return known !== undefined && known === fingerprint(await readExercise(chapter))
    }),
  )
  return new Set(chapters.filter((_, index) => states[index]).map(({ number }) => number))
}

export async function readLastChapter(): Promise<string | undefined> {
  return (await read()).chapter
}

export async function rememberChapter({ number }: Chapter): Promise<void> {
  const stored = await read()
  if (stored.chapter !== number) await write({ ...stored, chapter: number })
}

/** Remembers that these files have passed, or that they have not: by their fingerprint. */
export async function rememberVerdict({ number }: Chapter, files: string, isPassed: boolean): Promise<void> {
  const { passed, ...stored } = await read()
  if (isPassed === (passed[number] === files)) return
  const { [number]: _, ...others } = passed
  await write({ ...stored, passed: isPassed ? { ...others, [number]: files } : others })
}

async function read(): Promise<Stored> {
  try {
    const stored = JSON.parse(await readFile(path(), 'utf8'))
    return { ...stored, passed: { ...stored.passed } }
  } catch {
    // It is not there yet, or somebody has written something else into it: only marks are lost.
    return { passed: {} }
  }
}

/** Whole or not at all, also with two programs at it. */
async function write(stored: Stored): Promise<void> {
  const file = path()
  const draft = `${file}.${randomBytes(4).toString('hex')}`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(draft, `${JSON.stringify(stored, undefined, 2)}\n`)
  await rename(draft, file)
}
