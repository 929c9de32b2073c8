import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Chapter } from './chapters.ts'
import { exerciseFolder, type Files, fingerprint, readExercise, readOriginal } from './exercise.ts'

/**
 * Puts these files in the place of the learner's, and answers with the folder to which those were copied before;
 * `undefined` where there was nothing of theirs.
 */
export async function replaceExercise(
  chapter: Chapter,
  files: Files,
  now = new Date(),
): Promise<string | undefined> {
  const theirs = await readExercise(chapter)
  const folder = exerciseFolder(chapter)
  const isTheirs = ![files, await readOriginal(chapter), {}].map(fingerprint).includes(fingerprint(theirs))
  const backup = resolve(
    chapter.folder,
    '.backups',
    now.toISOString().replace(/\..*/, '').replaceAll(':', '-'),
  )
  if (isTheirs) {
    await mkdir(dirname(backup), { recursive: true })
    // Never over another one.
    await cp(folder, backup, { recursive: true, errorOnExist: true, force: false })
  }
  for (const path of Object.keys(theirs)) if (!(path in files)) await rm(resolve(folder, path))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(resolve(folder, path)), { recursive: true })
    await writeFile(resolve(folder, path), text)
  }
  return isTheirs ? backup : undefined
}
