import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { readGuide } from '../guide.ts'
import { page, STYLE } from '../page.ts'
import { IMAGE_POLICY, pagePolicy, SITE_POLICY } from '../plugins/security-headers.ts'
import { Problem } from '../problem.ts'
import { fileOf, type Site, type SiteFile } from '../site.ts'

export interface GuideOptions {
  /** Shown as soon as it is built. @default the plain pages alone */
  site?: Site | undefined
}

type GuideRequest = FastifyRequest<{ Params: { '*'?: string } }>

/** The pages that a problem document's `type` leads to, and the others of `docs/`: the site's, or plain ones until that is built. */
const guide: FastifyPluginAsyncTypebox<GuideOptions> = async (app, { site }) => {
  const pages = await readGuide()

  const show = async (request: GuideRequest, reply: FastifyReply) => {
    const path = (request.params['*'] ?? '').replace(/\/$/, '').replace(/(^|\/)README$/, '')
    const file = site && (await fileOf(site, path, request.raw))
    if (file === undefined) return showPage(path, reply)
    const address = encodeURI(`/guide/${file.name}`)
    if (request.url.split('?')[0] === address) return showFile(file, reply)
    // The site marks the page that one is on by its whole address, and the links in it count from that.
    file.stream.destroy()
    return reply.redirect(address)
  }

  const showPage = (path: string, reply: FastifyReply) => {
    const name = path.replace(/\.html$/, '')
    const found = pages.get(name) ?? pages.get(`${name}/README`)
    if (found === undefined) throw new Problem('NOT_FOUND', 'The guide has no such page: /guide lists them.')
    return reply.type('text/html; charset=utf-8').send(page(found.title, `${noticeOf(site)}${found.content}`))
  }

  const options = { config: { policy: pagePolicy(STYLE) }, schema: { hide: true } }
  app.get('/guide', options, show)
  app.get('/guide/*', options, show)
}

function showFile({ name, statusCode, headers, stream }: SiteFile, reply: FastifyReply): FastifyReply {
  const policy = name.endsWith('.svg') ? IMAGE_POLICY : SITE_POLICY
  return reply
    .code(statusCode)
    .headers({ ...headers, 'content-security-policy': policy })
    .removeHeader('pragma')
    .send(stream)
}

function noticeOf(site: Site | undefined): string {
  if (site === undefined) return ''
  return site.isBeingBuilt()
    ? '<p><strong>The guide is being built as a site with search: look again in a minute.</strong> Until then, this is its text.</p>'
    : '<p>This is the guide’s text. <code>npm run docs</code> builds a site with search of it, which is shown here then.</p>'
}

export default guide
