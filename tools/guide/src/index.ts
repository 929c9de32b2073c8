// Adds `hide` to the type of a route's schema.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { PLAIN_PAGE_POLICY, plainPage } from './page.ts'
import { readGuide } from './pages.ts'
import { IMAGE_POLICY, SITE_POLICY } from './policies.ts'
import { fileOf, type Site, type SiteFile } from './site.ts'

export { PLAIN_PAGE_POLICY, plainPage } from './page.ts'
export type { Site } from './site.ts'
export { type SiteBuilder, siteIn } from './site-builder.ts'

export interface GuideOptions {
  /** Served as soon as it is built. @default only the plain pages are served */
  readonly site?: Site | undefined
}

type GuideRequest = FastifyRequest<{ Params: { '*'?: string } }>

/** Serves the pages of `docs/` under `/guide`: the site's, or plain ones until that is built. */
const guide: FastifyPluginAsync<GuideOptions> = async (app, { site }) => {
  const pages = await readGuide()

  const show = async (request: GuideRequest, reply: FastifyReply) => {
    const path = (request.params['*'] ?? '').replace(/\/$/, '').replace(/(^|\/)README$/, '')
    const file = site && (await fileOf(site, path, request.raw))
    if (file === undefined) return showPage(path, reply)
    const address = encodeURI(`/guide/${file.name}`)
    if (request.url.split('?')[0] === address) return showFile(file, reply)
    // The site marks the current page by its whole address, and its links are relative to that.
    file.stream.destroy()
    return reply.redirect(address)
  }

  const showPage = (path: string, reply: FastifyReply) => {
    const name = path.replace(/\.html$/, '')
    const found = pages.get(name) ?? pages.get(`${name}/README`)
    if (found === undefined) throw new PageNotFound('The guide has no such page: /guide lists them.')
    return reply
      .header('content-security-policy', PLAIN_PAGE_POLICY)
      .type('text/html; charset=utf-8')
      .send(plainPage(found.title, `${noticeFor(site)}${found.content}`))
  }

  const options = { schema: { hide: true } }
  app.get('/guide', options, show)
  app.get('/guide/*', options, show)
}

class PageNotFound extends Error {
  readonly statusCode = 404
}

function showFile({ name, statusCode, headers, stream }: SiteFile, reply: FastifyReply): FastifyReply {
  const policy = name.endsWith('.svg') ? IMAGE_POLICY : SITE_POLICY
  return reply
    .code(statusCode)
    .headers({ ...headers, 'content-security-policy': policy })
    .removeHeader('pragma')
    .send(stream)
}

function noticeFor(site: Site | undefined): string {
  if (site === undefined) return ''
  return site.isBeingBuilt()
    ? '<p><strong>The guide is being built as a site with search: look again in a minute.</strong> Until then, this is its text.</p>'
    : '<p>This is the guide’s text. <code>npm run docs</code> builds a site with search of it, which is shown here then.</p>'
}

export default guide
