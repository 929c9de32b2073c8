import { readdir, readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { FastifyPluginAsync } from 'fastify'

/** The page's files, as they are: there is no build step. */
const FOLDER = resolve(import.meta.dirname, '../page')

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** `/xray` is the page, and `/xray/main.js` a file of it. Each is read when it is asked for: who edits it reloads, and sees it. */
const assets: FastifyPluginAsync = async (app) => {
  for (const file of await readdir(FOLDER)) {
    const type = TYPES[extname(file)]
    if (type === undefined) continue
    app.get(file === 'index.html' ? '/' : `/${file}`, async (_request, reply) =>
      reply.type(type).send(await readFile(resolve(FOLDER, file))),
    )
  }
}

export default assets
