import { stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import fastifyStatic from '@fastify/static'
// Adds `hide` to the type of a route's schema.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { PLAIN_PAGE_POLICY, renderPlainPage } from './page.ts'
import { readGuide } from './pages.ts'
import { IMAGE_POLICY, SITE_POLICY } from './policies.ts'
import type { Site, SiteBuilder } from './site-builder.ts'

export { PLAIN_PAGE_POLICY, renderPlainPage } from './page.ts'
export { createSite, type Site, type SiteBuilder } from './site-builder.ts'

export interface GuideOptions {
  /** Served as soon as it is built. @default only the plain pages are served */
  readonly site?: Site | SiteBuilder | undefined
  /** Builds the site when the service listens, if it is missing or older than the docs. @default false */
  readonly buildsSite?: boolean
}

type GuideRequest = FastifyRequest<{ Params: { '*'?: string } }>

/** Serves the pages of `docs/` under `/guide`: those of the site, or plain ones until it is built. */
const guide: FastifyPluginAsync<GuideOptions> = async (app, { site, buildsSite = false }) => {
  const pages = await readGuide()
  if (site) await app.register(fastifyStatic, createStaticOptions(site.dir))
  if (buildsSite && site && 'build' in site) {
    app.addHook('onListen', async () => void site.build(app.log))
    app.addHook('preClose', () => site.stop())
  }

  const show = async (request: GuideRequest, reply: FastifyReply) => {
    const path = (request.params['*'] ?? '').replace(/\/$/, '').replace(/(^|\/)README$/, '')
    const name = site && (await findFile(site, path))
    if (site === undefined || name === undefined) return showPage(path, reply)
    const address = encodeURI(`/guide/${name}`)
    if (request.url.split('?')[0] === address) return reply.removeHeader('pragma').sendFile(name, site.dir)
    // The site marks the current page by its whole address, and its links are relative to that.
    return reply.redirect(address)
  }

  const showPage = (path: string, reply: FastifyReply) => {
    const name = path.replace(/\.html$/, '')
    const found = pages.get(name) ?? pages.get(`${name}/README`)
    if (found === undefined) throw new PageNotFound('The guide has no such page: /guide lists them.')
    return reply
      .header('content-security-policy', PLAIN_PAGE_POLICY)
      .type('text/html; charset=utf-8')
      .send(renderPlainPage(found.title, `${createNotice(site)}${found.content}`))
  }

  const options = { schema: { hide: true } }
  app.get('/guide', options, show)
  app.get('/guide/*', options, show)
}

class PageNotFound extends Error {
  readonly statusCode = 404
}

/** Returns the name of the site's file for a path: `errors/NOT_FOUND.html` for `errors/NOT_FOUND`, undefined if there is none. */
export async function findFile({ dir }: Site, path: string): Promise<string | undefined> {
  // Serves neither hidden files nor files outside the folder.
  if (/(^|\/)\./.test(path)) return undefined
  for (const name of [`${path || 'index'}.html`, path]) {
    const found = await stat(join(dir, name)).catch(() => undefined)
    if (found?.isFile()) return name
  }
  return undefined
}

/** Creates options for a folder that may appear, change and disappear while the service runs. */
function createStaticOptions(root: string) {
  return {
    serve: false,
    cacheControl: false,
    setHeaders(reply: FastifyReply, path: string) {
      const name = relative(root, path)
      reply.header('content-security-policy', name.endsWith('.svg') ? IMAGE_POLICY : SITE_POLICY)
      // The addresses of these files change with each build.
      reply.header('cache-control', name.startsWith(`assets${sep}`) ? 'max-age=86400' : 'no-cache')
      // Copies of sources are shown as text.
      if (name.startsWith(`media${sep}`) && !/\.(svg|png)$/.test(name))
        reply.header('content-type', 'text/plain; charset=utf-8')
    },
  } as const
}

function createNotice(site: Site | undefined): string {
  if (site === undefined) return ''
  return site.isBeingBuilt()
    ? '<p><strong>The guide is being built as a site with search: look again in a minute.</strong> Until then, this is its text.</p>'
    : '<p>This is the guide’s text. <code>npm run docs</code> builds a site with search of it, which is shown here then.</p>'
}

export default guide
