import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PAGE_POLICY, renderPage } from '@auth-primer/tool-header'
import fastifyStatic from '@fastify/static'
// Adds `hide` to the type of a route's schema.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Site } from './site-builder.ts'

export { createSite, type Site, type SiteBuilder } from './site-builder.ts'

export interface GuideOptions {
  /** The folder of the built site. @default every page says that the guide is not built */
  readonly site?: Site | undefined
}

/** Seconds until a browser loads a page again that waits for the site. */
const RETRY_AFTER = 3

const IS_BEING_BUILT = `<h1>The guide is being built</h1>
<p>This takes about half a minute the first time. Then this page shows it.</p>`
const IS_NOT_BUILT = `<h1>The guide is not built</h1>
<p><code>npm run docs</code> builds it. Then this page shows it.</p>`

/** The policy of an image that is opened on its own: its styles are inline. */
const IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

/** Serves the guide under `/guide`. Until it is built, every page responds with 503, says so, and loads again. */
const guide: FastifyPluginAsync<GuideOptions> = async (app, { site }) => {
  if (site) await app.register(fastifyStatic, { serve: false, cacheControl: false })

  const show = async (request: FastifyRequest<{ Params: { '*'?: string } }>, reply: FastifyReply) => {
    const path = (request.params['*'] ?? '').replace(/\/$/, '').replace(/(^|\/)README(\.html)?$/, '')
    const file = site && (await findFile(site.dir, path))
    if (site === undefined || file === undefined) return showMissing(reply)
    // The site's scripts know each page by its whole address.
    const address = encodeURI(`/guide/${path}`)
    if (request.url.split('?')[0] !== address) return reply.redirect(address)
    // The addresses of the assets change with each build.
    reply.header('cache-control', file.startsWith('assets/') ? 'max-age=31536000, immutable' : 'no-cache')
    if (file.endsWith('.html')) reply.header('content-security-policy', await readPolicy(site.dir))
    if (file.endsWith('.svg')) reply.header('content-security-policy', IMAGE_POLICY)
    return reply.removeHeader('pragma').sendFile(file, site.dir)
  }

  const showMissing = async (reply: FastifyReply) => {
    if (site && (await findFile(site.dir, '')))
      throw new PageNotFound('The guide has no such page: /guide lists them.')
    return reply
      .code(503)
      .header('retry-after', RETRY_AFTER)
      .header('refresh', RETRY_AFTER)
      .header('content-security-policy', PAGE_POLICY)
      .type('text/html; charset=utf-8')
      .send(renderPage('The guide', site?.isBeingBuilt() ? IS_BEING_BUILT : IS_NOT_BUILT, 'guide'))
  }

  const options = { schema: { hide: true } }
  app.get('/guide', options, show)
  app.get('/guide/*', options, show)
}

class PageNotFound extends Error {
  readonly statusCode = 404
}

/** Returns the name of the file of an address: `errors/NOT_FOUND.html` for `errors/NOT_FOUND`, undefined if there is none. */
export async function findFile(dir: string, path: string): Promise<string | undefined> {
  // Serves neither hidden files nor files outside the folder.
  if (/(^|\/)\./.test(path)) return undefined
  for (const name of [`${path || 'index'}.html`, path]) {
    const found = await stat(join(dir, name)).catch(() => undefined)
    if (found?.isFile()) return name
  }
  return undefined
}

/** The build writes the policy of its pages. A page that is in a frame cannot be restricted by its own HTML. */
async function readPolicy(dir: string): Promise<string> {
  return `${await readFile(join(dir, 'policy'), 'utf8')}; frame-ancestors 'none'`
}

export default guide
