import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

export const CHECKOUT = resolve(import.meta.dirname, '../../..')

export interface Chapter {
  /** Two digits. */
  readonly number: string
  readonly title: string
  readonly folder: string
  /** Whether it has tables, and so needs a database. */
  readonly hasTables: boolean
}

/** The chapters of `docs/`, in their order. */
export async function readChapters(dir = resolve(CHECKOUT, 'docs/chapters')): Promise<Chapter[]> {
  const names = (await readdir(dir)).filter((name) => /^\d\d-/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const folder = resolve(dir, name)
      const text = await readFile(resolve(folder, 'README.md'), 'utf8')
      const title = /^# (?:\d+ · )?(.+)$/m.exec(text)?.[1] ?? name
      return { number: name.slice(0, 2), title, folder, hasTables: existsSync(resolve(folder, 'tables.sql')) }
    }),
  )
}

/** The chapter that a learner means by `5`, `05` or the name of its folder. */
export async function findChapter(name: string): Promise<Chapter> {
  const chapters = await readChapters()
  const found = chapters.find(
    ({ number, folder }) => number === name.padStart(2, '0') || folder.endsWith(`/${name}`),
  )
  if (found) return found
  const list = chapters.map(({ number, title }) => `  ${number}  ${title}`).join('\n')
  throw new Error(`There is no such chapter. These are there:\n${list}`)
}
