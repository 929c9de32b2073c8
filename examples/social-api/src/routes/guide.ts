import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { readGuide } from '../guide.ts'
import { STYLE } from '../page.ts'
import { pagePolicy } from '../plugins/security-headers.ts'
import { Problem } from '../problem.ts'

/** The pages that a problem document's `type` leads to, and the others of `docs/`. */
const guide: FastifyPluginAsyncTypebox = async (app) => {
  const pages = await readGuide()
  const options = { config: { policy: pagePolicy(STYLE) }, schema: { hide: true } }

  app.get('/guide', options, async (_request, reply) => reply.type(HTML).send(pages.get('')))

  app.get<{ Params: { '*': string } }>('/guide/*', options, async (request, reply) => {
    const found = pages.get(request.params['*'].replace(/\/$/, ''))
    if (found === undefined) throw new Problem('NOT_FOUND', 'The guide has no such page: /guide lists them.')
    return reply.type(HTML).send(found)
  })
}

const HTML = 'text/html; charset=utf-8'

export default guide
