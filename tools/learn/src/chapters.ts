import { readdir, readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { CourseTable } from '@auth-primer/migrations'

export const CHECKOUT = resolve(import.meta.dirname, '../../..')

const CHAPTERS = resolve(CHECKOUT, 'docs/chapters')

export interface Chapter {
  /** Two digits; a letter follows if the chapter came between two others: `04`, `04a`. */
  readonly number: string
  readonly title: string
  readonly folder: string
  /** Its check and its steps start with the tables of `migrations/` up to this one. Without it, they need no database. */
  readonly tables?: CourseTable
}

const NUMBER = /^\d\d[a-z]?(?=-)/

/** Returns the chapters of `docs/` in order: `04a` comes after `04`. */
export async function readChapters(dir = CHAPTERS): Promise<Chapter[]> {
  const names = (await readdir(dir)).filter((name) => NUMBER.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const [number = ''] = NUMBER.exec(name) ?? []
      const folder = resolve(dir, name)
      const text = await readFile(resolve(folder, 'README.md'), 'utf8')
      const title = /^# (?:\d+[a-z]? · )?(.+)$/m.exec(text)?.[1] ?? name
      const tables = await readTables(folder)
      return { number, title, folder, ...(tables && { tables }) }
    }),
  )
}

/** Reads which tables a chapter's check asks for, so its steps start with the same ones. */
async function readTables(folder: string): Promise<CourseTable | undefined> {
  const text = await readFile(resolve(folder, 'check.test.ts'), 'utf8').catch(() => '')
  return /\bdatabase\(\{ tables: '(users|posts|votes)' \}\)/.exec(text)?.[1] as CourseTable | undefined
}

/** Finds a chapter by its number (`5`, `05`, `4a`) or the name of its folder. */
export async function findChapter(name: string, dir = CHAPTERS): Promise<Chapter> {
  const chapters = await readChapters(dir)
  const number = name.toLowerCase().replace(/^\d(?!\d)/, '0$&')
  const found = chapters.find((chapter) => chapter.number === number || basename(chapter.folder) === name)
  if (found) return found
  const list = chapters.map(({ number, title }) => `  ${number.padEnd(3)} ${title}`).join('\n')
  throw new Error(`There is no such chapter. The chapters are:\n${list}`)
}
