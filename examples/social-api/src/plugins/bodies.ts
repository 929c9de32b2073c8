import fp from 'fastify-plugin'
import { Problem } from '../problem.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** How a request is read: JSON in UTF-8 and nothing else unless a route says so, and each query key once. */
export default fp(async (app) => {
  app.removeContentTypeParser(['text/plain', 'application/json'])
  const parseJson = app.getDefaultJsonParser('remove', 'remove')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0 && request.method === 'DELETE') return done(null)
    const text = decode(body)
    if (text === undefined) return done(new Problem('MALFORMED_REQUEST', 'The body is not UTF-8.'))
    return parseJson(request, text, done)
  })

  // Clients put a content type on a DELETE that has no content.
  app.addHook('onRequest', async ({ method, headers }) => {
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
    if (method === 'DELETE' && !hasBody) delete headers['content-type']
  })

  app.addHook('preParsing', async ({ headers }) => {
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
      throw new Problem('UNSUPPORTED_MEDIA_TYPE', 'Bodies are read as they are, not compressed.')
    }
  })

  app.addHook('preValidation', async ({ query, url }) => {
    if (!isPercentEncoded(url)) {
      throw new Problem('MALFORMED_REQUEST', 'The query is not percent-encoded UTF-8: `%` itself is `%25`.')
    }
    const repeated = Object.entries(query as object).filter(([, value]) => Array.isArray(value))
    if (repeated.length > 0) {
      throw new Problem('VALIDATION_FAILED', 'A query key was given more than once.', {
        errors: repeated.map(([key]) => ({
          in: 'querystring',
          path: `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
          message: 'must be given once',
        })),
      })
    }
  })
})

/** Fastify's parser takes what it cannot decode as it stands; of a path that is broken so, the router tells. */
function isPercentEncoded(url: string): boolean {
  try {
    decodeURIComponent(url)
    return true
  } catch {
    return false
  }
}

function decode(body: Buffer): string | undefined {
  try {
    return utf8.decode(body)
  } catch {
    return undefined
  }
}
