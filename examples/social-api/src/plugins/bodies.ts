import fp from 'fastify-plugin'
import { Problem } from '../problem.ts'
import { decodeUtf8, isPercentEncoded } from '../utf8.ts'

/** How a request is read: JSON in UTF-8 and nothing else unless a route says so, and each query key once. */
export default fp(async (app) => {
  app.removeContentTypeParser(['text/plain', 'application/json'])
  const parseJson = app.getDefaultJsonParser('remove', 'remove')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0 && request.method === 'DELETE') return done(null)
    const text = decodeUtf8(body)
    if (text === undefined) return done(new Problem('MALFORMED_REQUEST', 'The body is not UTF-8.'))
    return parseJson(request, text, done)
  })

  // Clients put a content type on a DELETE that has no content.
  app.addHook('onRequest', ({ method, headers }, _reply, done) => {
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
    if (method === 'DELETE' && !hasBody) delete headers['content-type']
    done()
  })

  app.addHook('preParsing', ({ headers }, _reply, payload, done) => {
    const isCompressed = (headers['content-encoding'] ?? 'identity') !== 'identity'
    done(
      isCompressed
        ? new Problem('UNSUPPORTED_MEDIA_TYPE', 'Bodies are read as they are, not compressed.')
        : null,
      payload,
    )
  })

  app.addHook('preValidation', ({ query, url }, _reply, done) => {
    done(wrongQuery(query as object, url))
  })
})

function wrongQuery(query: object, url: string): Problem | undefined {
  // Of a path that is broken so, the router tells.
  if (!isPercentEncoded(url)) {
    return new Problem('MALFORMED_REQUEST', 'The query is not percent-encoded UTF-8: `%` itself is `%25`.')
  }
  const repeated = Object.entries(query).filter(([, value]) => Array.isArray(value))
  if (repeated.length === 0) return undefined
  return new Problem('VALIDATION_FAILED', 'A query key was given more than once.', {
    errors: repeated.map(([key]) => ({
      in: 'querystring',
      path: `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      message: 'must be given once',
    })),
  })
}
