import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { readChapters, readExercise } from '@auth-primer/tool-learn'
import { CHECKOUT } from './pages.ts'

/** The exercises as they come, which `npm run learn -- reset` puts back whatever the learner has done. */
export const ORIGINALS = resolve(CHECKOUT, 'docs/originals.json')

/** What that file has to be, as the exercises are now. */
export async function originals(): Promise<string> {
  const chapters = await readChapters()
  const entries = chapters.map(async (chapter) => [basename(chapter.folder), await readExercise(chapter)])
  return `${JSON.stringify(Object.fromEntries(await Promise.all(entries)), undefined, 2)}\n`
}

export const readOriginals = () => readFile(ORIGINALS, 'utf8').catch(() => '')
