import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Chapter } from './chapters.ts'
import { exerciseFolder, type Files, fingerprint, readExercise, readOriginal } from './exercise.ts'

/**
 * Replaces the learner's files. Returns the folder with a copy of them, or `undefined` if they were the original files
 * or a solution.
 */
export async function replaceExercise(
  chapter: Chapter,
  files: Files,
  now = new Date(),
): Promise<string | undefined> {
  const current = await readExercise(chapter)
  const folder = exerciseFolder(chapter)
  const isEdited = ![files, await readOriginal(chapter), {}].map(fingerprint).includes(fingerprint(current))
  const backup = resolve(
    chapter.folder,
    '.backups',
    now.toISOString().replace(/\..*/, '').replaceAll(':', '-'),
  )
  if (isEdited) {
    await mkdir(dirname(backup), { recursive: true })
    // Never overwrites another backup.
    await cp(folder, backup, { recursive: true, errorOnExist: true, force: false })
  }
  for (const path of Object.keys(current)) if (!(path in files)) await rm(resolve(folder, path))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(resolve(folder, path)), { recursive: true })
    await writeFile(resolve(folder, path), text)
  }
  return isEdited ? backup : undefined
}
