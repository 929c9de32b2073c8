import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { readChapters, readExercise } from '@auth-primer/tool-learn'
import { CHECKOUT } from './pages.ts'

/** The original files of the exercises. `npm run learn -- reset` restores them. */
export const ORIGINALS = resolve(CHECKOUT, 'docs/originals.json')

/** Returns what the file must contain for the current exercises. */
export async function collectOriginals(): Promise<string> {
  const chapters = await readChapters()
  const entries = chapters.map(async (chapter) => [basename(chapter.folder), await readExercise(chapter)])
  return `${JSON.stringify(Object.fromEntries(await Promise.all(entries)), undefined, 2)}\n`
}

export const readOriginals = () => readFile(ORIGINALS, 'utf8').catch(() => '')
