import { readdir, readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { FastifyPluginAsync } from 'fastify'
import { createKeyCookie } from './gate.ts'

/** The page's files are served as they are: there is no build step. */
const FOLDER = resolve(import.meta.dirname, '../page')

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Serves the page at `/xray`, and its files, such as `/xray/main.js`. Each is read per request, so an edit needs only a reload. */
const assets: FastifyPluginAsync<{ key: string; header?: string }> = async (app, { key, header = '' }) => {
  for (const file of await readdir(FOLDER)) {
    const type = TYPES[extname(file)]
    if (type === undefined) continue
    const isPage = file === 'index.html'
    app.get(isPage ? '/' : `/${file}`, async ({ socket }, reply) => {
      if (isPage) reply.header('set-cookie', createKeyCookie(socket, key))
      reply.type(type)
      const content = await readFile(resolve(FOLDER, file), 'utf8')
      return isPage ? content.replace('<!-- header -->', () => header) : content
    })
  }
}

export default assets
