/**
 * Protects handlers from values that they do not expect: bodies that are not JSON in UTF-8, values that a schema does not
 * allow, members that it does not name, query keys that come twice.
 *
 * Own code because Fastify's defaults coerce (`null` becomes 0, `limit=0x10` passes) and replace broken UTF-8.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance, FastifySchema, FastifySchemaCompiler } from 'fastify'
import { Problem } from '../src/problem.ts'
import { isPercentEncoded } from './http.ts'

export function registerValidation(app: FastifyInstance): void {
  app.setValidatorCompiler(validatorCompiler)
  readBodies(app)

  app.addHook('preValidation', ({ query, originalUrl }, _reply, done) => {
    done(findQueryProblem(query as object, originalUrl))
  })
}

// Members that a schema does not name are removed, so a handler cannot store them by mistake.
const ajv = new Ajv({ coerceTypes: false, useDefaults: true, removeAdditional: 'all', allErrors: true })
// The named import of a CommonJS default.
addFormats.default(ajv)

const LABEL = '[\\p{L}\\p{N}](?:[\\p{L}\\p{M}\\p{N}-]{0,61}[\\p{L}\\p{M}\\p{N}])?'
const ATOM = "[\\p{L}\\p{M}\\p{N}!#$%&'*+/=?^_`{|}~-]+"
// The addresses of RFC 6531, without quoted local parts and address literals.
const EMAIL = new RegExp(`^${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}$`, 'u')
// Two emails that look the same could be two users. Some of these are letters to Unicode (U+3164, U+115F).
const INVISIBLE = /[\p{Cc}\p{Default_Ignorable_Code_Point}]/u
ajv.addFormat('idn-email', (text: string) => EMAIL.test(text) && !INVISIBLE.test(text))
ajv.addFormat('new-password', (text: string) => {
  const password = text.normalize('NFC')
  return [...password].length >= 8 && Buffer.byteLength(password) <= 72
})

interface Validator {
  (data: unknown): boolean
  errors?: ErrorObject[] | null
}

/** Validates a body as it is. The values of a path or a query are text, so integers are read first. */
const validatorCompiler: FastifySchemaCompiler<FastifySchema> = ({ schema, httpPart }) => {
  const validate = ajv.compile(schema)
  const isText = httpPart !== 'body'
  const validator: Validator = (data) => {
    if (isText) readIntegers(data as Record<string, unknown>, validate)
    validator.errors = validate(data) ? findIllFormedText(data) : (validate.errors ?? [])
    return !validator.errors
  }
  return validator
}

function readIntegers(data: Record<string, unknown>, { schema }: ValidateFunction): void {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> }
  for (const [name, { type }] of Object.entries(properties)) {
    const text = data[name]
    if (type === 'integer' && typeof text === 'string' && /^[0-9]+$/.test(text)) data[name] = Number(text)
  }
}

/** Postgres cannot store NUL, and UTF-8 has no lone surrogates. */
function findIllFormedText(data: unknown, path = ''): ErrorObject[] | null {
  if (typeof data === 'string') {
    if (data.includes('\0')) return [ajvError(path, 'must not contain NUL')]
    if (!data.isWellFormed()) return [ajvError(path, 'must not contain a lone surrogate')]
  } else if (typeof data === 'object' && data !== null) {
    for (const [name, value] of Object.entries(data)) {
      const found = findIllFormedText(value, `${path}/${name}`)
      if (found) return found
    }
  }
  return null
}

function ajvError(instancePath: string, message: string): ErrorObject {
  return { instancePath, message, keyword: 'text', schemaPath: '#', params: {} }
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
  if (repeated.length === 0) return undefined
  return new Problem('VALIDATION_FAILED', 'A query key was given more than once.', {
    errors: repeated.map(([key]) => ({
      in: 'querystring',
      path: `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      message: 'must be given once',
    })),
  })
}
