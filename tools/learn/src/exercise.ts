import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import type { Chapter } from './chapters.ts'

/** The texts of a folder's files by their paths in it. */
export type Files = Readonly<Record<string, string>>

export const exerciseFolder = ({ folder }: Chapter) => resolve(folder, 'exercise')

/** Reads the learner's files, without hidden ones. */
export async function readExercise(chapter: Chapter): Promise<Files> {
  return readFiles(exerciseFolder(chapter))
}

/** Reads the chapter's solution, without the marks of the regions that its page shows. */
export async function readSolution({ folder }: Chapter): Promise<Files> {
  const files = Object.entries(await readFiles(resolve(folder, 'solution')))
  return Object.fromEntries(
    files.map(([path, text]) => [path, text.replaceAll(/^.*#(end)?region\b.*\n/gm, '')]),
  )
}

/** Reads the original files of the exercise, from the `docs/originals.json` that `npm run docs:refresh` writes. */
export async function readOriginal({ folder }: Chapter): Promise<Files> {
  const originals = JSON.parse(await readFile(resolve(folder, '../../originals.json'), 'utf8'))
  return originals[relative(resolve(folder, '..'), folder)] ?? {}
}

/** Returns a value that differs as soon as one of the files does. */
export function fingerprint(files: Files): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16)
}

/** Reads what the learner must do: the first paragraph of the page's section on the exercise. */
export async function readTask({ folder }: Chapter): Promise<string> {
  const text = await readFile(resolve(folder, 'README.md'), 'utf8')
  const [, section = ''] = text.split('\n## The exercise\n')
  const [words = ''] = section.split('```')
  return words
    .trim()
    .replace(/\s*Then(?: check your work)?:$/, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/:$/, '.')
}

export async function readFiles(folder: string): Promise<Files> {
  if (!existsSync(folder)) return {}
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, resolve(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter((path) => !/(^|\/)(\.|node_modules\/)|~$/.test(path))
    .sort()
  // A file may be deleted in the meantime.
  const texts = await Promise.all(
    paths.map((path) => readFile(resolve(folder, path), 'utf8').catch(() => '')),
  )
  return Object.fromEntries(paths.map((path, index) => [path, texts[index] ?? '']))
}
