import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { defaultDataDir } from '@auth-primer/tool-postgres'
import type { Chapter } from './chapters.ts'
import { fingerprint, readExercise } from './exercise.ts'

interface Progress {
  /** The chapter that the learner worked on last. */
  readonly chapter?: string
  /** The fingerprint of the files that passed, by chapter. */
  readonly passed: Readonly<Record<string, string>>
}

const progressFile = () => resolve(defaultDataDir(), 'learn.json')

/** Returns the numbers of the chapters whose files are the ones that passed. */
export async function readPassed(chapters: readonly Chapter[]): Promise<ReadonlySet<string>> {
  const { passed } = await readProgress()
  const states = await Promise.all(
    chapters.map(async (chapter) => {
      const known = passed[chapter.number]
      return known !== undefined && known === fingerprint(await readExercise(chapter))
    }),
  )
  return new Set(chapters.filter((_, index) => states[index]).map(({ number }) => number))
}

export async function readLastChapter(): Promise<string | undefined> {
  return (await readProgress()).chapter
}

export async function rememberChapter({ number }: Chapter): Promise<void> {
  const progress = await readProgress()
  if (progress.chapter !== number) await writeProgress({ ...progress, chapter: number })
}

/** Remembers whether the files with this fingerprint passed. */
export async function rememberVerdict({ number }: Chapter, files: string, hasPassed: boolean): Promise<void> {
  const { passed, ...progress } = await readProgress()
  if (hasPassed === (passed[number] === files)) return
  const { [number]: _, ...others } = passed
  await writeProgress({ ...progress, passed: hasPassed ? { ...others, [number]: files } : others })
}

async function readProgress(): Promise<Progress> {
  try {
    const progress = JSON.parse(await readFile(progressFile(), 'utf8'))
    return { ...progress, passed: { ...progress.passed } }
  } catch {
    // The file does not exist yet or is damaged. Only the marks of the list are lost.
    return { passed: {} }
  }
}

/** Replaces the file in one step, because two terminals may write it at once. */
async function writeProgress(progress: Progress): Promise<void> {
  const file = progressFile()
  const draft = `${file}.${randomBytes(4).toString('hex')}`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(draft, `${JSON.stringify(progress, undefined, 2)}\n`)
  await rename(draft, file)
}
