import { readdir, readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { FastifyPluginAsync } from 'fastify'
import type { Lesson } from './trace.ts'

/** The folder with a Markdown page for each error code. */
const ERROR_PAGES = resolve(import.meta.dirname, '../../../docs/errors')

/** Serves the lesson of each error code at `GET /xray/lessons`. Without the folder, there are none. */
const lessons: FastifyPluginAsync<{ guide: string | undefined }> = async (app, { guide }) => {
  const known = await readLessons(ERROR_PAGES, guide)
  app.get('/lessons', async () => known)
}

/** @param guide - the path of the guide. Without it, the lessons have no links. */
export async function readLessons(dir: string, guide: string | undefined): Promise<Record<string, Lesson>> {
  const files = await readdir(dir).catch(() => [])
  const pages = files
    .filter((file) => file.endsWith('.md'))
    .map(async (file) => {
      const code = basename(file, '.md')
      return [code, parseLesson(code, await readFile(resolve(dir, file), 'utf8'), guide)] as const
    })
  return Object.fromEntries(await Promise.all(pages))
}

function parseLesson(code: string, markdown: string, guide: string | undefined): Lesson {
  const [, section = ''] = /^## What happened$(.*?)^## /ms.exec(`${markdown}\n## `) ?? []
  const what = toPlainText(section)
  if (guide === undefined) return { what }
  const [, number, title, slug] =
    /Chapter (\d+[a-z]?), \[([^\]]+)\]\(\.\.\/(chapters\/[^)]+)\.md\)/.exec(markdown) ?? []
  return {
    what,
    page: `${guide}/errors/${code}`,
    ...(slug !== undefined && {
      chapter: { title: `Chapter ${number}, ${title}`, page: `${guide}/${slug}` },
    }),
  }
}

/** Keeps only the ends of paragraphs and of list items as line breaks. */
function toPlainText(markdown: string): string {
  return markdown
    .trim()
    .replaceAll(/[`*]|\[([^\]]+)\]\([^)]+\)/g, '$1')
    .split(/\n\n+|\n(?=- )/)
    .map((part) => part.replaceAll(/\s+/g, ' ').replace(/^- /, '• '))
    .join('\n')
}

export default lessons
