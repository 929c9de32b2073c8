import { parse } from 'node:querystring'
import type { FastifyBodyParser } from 'fastify'
import { Problem } from './problem.ts'
import { decodeUtf8, isPercentEncoded } from './utf8.ts'

/** Reads a form (`application/x-www-form-urlencoded`); a field that is given twice is a list. */
export const parseForm: FastifyBodyParser<Buffer> = (_request, body, done) => {
  const text = decodeUtf8(body)
  if (text === undefined || !isPercentEncoded(text))
    return done(
      new Problem('MALFORMED_REQUEST', 'The form is not percent-encoded UTF-8: `%` itself is `%25`.'),
    )
  done(null, parse(text))
}
