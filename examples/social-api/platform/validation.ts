/**
 * Protects handlers from values that they do not expect: bodies that are not JSON in UTF-8, values that a schema does not
 * allow, members that it does not name, query keys that come twice.
 *
 * Fastify's defaults would coerce (`null` becomes 0, `limit=0x10` passes) and replace broken UTF-8.
 */
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { type InvalidValue, Problem } from '../src/problem.ts'
import { createValidationProblem } from './errors.ts'
import { isPercentEncoded } from './http.ts'

const LABEL = '[\\p{L}\\p{N}](?:[\\p{L}\\p{M}\\p{N}-]{0,61}[\\p{L}\\p{M}\\p{N}])?'
const ATOM = "[\\p{L}\\p{M}\\p{N}!#$%&'*+/=?^_`{|}~-]+"
// The addresses of RFC 6531, without quoted local parts and address literals.
const EMAIL = new RegExp(`^${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}$`, 'u')
// Two emails that look the same could be two users. Some of these are letters to Unicode (U+3164, U+115F).
const INVISIBLE = /[\p{Cc}\p{Default_Ignorable_Code_Point}]/u

/** Fastify's `ajv`. Members that a schema does not name are removed, so a handler cannot store them by mistake. */
export const AJV: FastifyServerOptions['ajv'] = {
  customOptions: { coerceTypes: false, useDefaults: true, removeAdditional: 'all', allErrors: true },
  onCreate(ajv) {
    ajv.addFormat('idn-email', (text: string) => EMAIL.test(text) && !INVISIBLE.test(text))
    ajv.addFormat('new-password', (text: string) => {
      const password = text.normalize('NFC')
      return [...password].length >= 8 && Buffer.byteLength(password) <= 72
    })
  },
}

export function registerValidation(app: FastifyInstance): void {
  readBodies(app)

  app.addHook('preValidation', ({ params, query, originalUrl, routeOptions: { schema } }, _reply, done) => {
    readIntegers(params, schema?.params)
    readIntegers(query, schema?.querystring)
    done(findQueryProblem(query as object, originalUrl))
  })

  // After validation, which removes the members that no schema names.
  app.addHook('preHandler', ({ params, query, body, routeOptions: { schema } }, _reply, done) => {
    const invalid = [
      ...(schema?.params ? findIllFormedText('params', params) : []),
      ...(schema?.querystring ? findIllFormedText('querystring', query) : []),
      ...(schema?.body ? findIllFormedText('body', body) : []),
    ]
    done(invalid.length > 0 ? createValidationProblem(invalid) : undefined)
  })
}

/** The values of a path or a query are text, so integers are read before they are validated. */
function readIntegers(values: unknown, schema: unknown): void {
  const data = values as Record<string, unknown>
  const { properties = {} } = (schema ?? {}) as { properties?: Record<string, { type?: string }> }
  for (const [name, { type }] of Object.entries(properties)) {
    const text = data[name]
    if (type === 'integer' && typeof text === 'string' && /^[0-9]+$/.test(text)) data[name] = Number(text)
  }
}

/** Postgres cannot store NUL, and UTF-8 has no lone surrogates. */
function findIllFormedText(part: string, data: unknown, path = ''): InvalidValue[] {
  if (typeof data === 'string') {
    if (data.includes('\0')) return [{ in: part, path, message: 'must not contain NUL' }]
    if (!data.isWellFormed()) return [{ in: part, path, message: 'must not contain a lone surrogate' }]
  }
  if (typeof data !== 'object' || data === null) return []
  return Object.entries(data).flatMap(([name, value]) => findIllFormedText(part, value, `${path}/${name}`))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function readBodies(app: FastifyInstance): void {
  app.removeContentTypeParser(['text/plain', 'application/json'])
  const parseJson = app.getDefaultJsonParser('remove', 'remove')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      parseJson(request, utf8.decode(body), done)
    } catch {
      done(new Problem('MALFORMED_REQUEST', 'The body is not UTF-8.'))
    }
  })

  // Some clients send a content type with a DELETE that has no body.
  app.addHook('onRequest', ({ method, headers }, _reply, done) => {
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
    if (method === 'DELETE' && !hasBody) delete headers['content-type']
    done()
  })

  app.addHook('preParsing', ({ headers }, _reply, payload, done) => {
    const isCompressed = (headers['content-encoding'] ?? 'identity') !== 'identity'
    done(isCompressed ? new Problem('UNSUPPORTED_MEDIA_TYPE') : null, payload)
  })
}

function findQueryProblem(query: object, url: string): Problem | undefined {
  if (!isPercentEncoded(url)) {
    return new Problem('MALFORMED_REQUEST', 'The query is not percent-encoded UTF-8: `%` itself is `%25`.')
  }
  const repeated = Object.entries(query).filter(([, value]) => Array.isArray(value))
  return repeated.length > 0 ? createRepeatedKeyProblem(repeated.map(([key]) => key)) : undefined
}

export function createRepeatedKeyProblem(keys: string[]): Problem {
  const errors = keys.map((key) => ({
    in: 'querystring',
    path: `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
    message: 'must be given once',
  }))
  return new Problem('VALIDATION_FAILED', 'A query key was given more than once.', { errors })
}
