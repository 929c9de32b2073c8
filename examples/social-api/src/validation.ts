import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifySchema, FastifySchemaCompiler } from 'fastify'

// No coercion: `null` is no 0 and `"5"` is no 5. What a schema does not name is dropped.
const ajv = new Ajv({ coerceTypes: false, useDefaults: true, removeAdditional: 'all', allErrors: true })
// The named import of a CommonJS default.
addFormats.default(ajv)

const LABEL = '[\\p{L}\\p{N}](?:[\\p{L}\\p{M}\\p{N}-]{0,61}[\\p{L}\\p{M}\\p{N}])?'
const ATOM = "[\\p{L}\\p{M}\\p{N}!#$%&'*+/=?^_`{|}~-]+"
// RFC 6531's addresses, without quoted local parts and address literals.
ajv.addFormat('idn-email', new RegExp(`^${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}$`, 'u'))
ajv.addFormat('new-password', (text: string) => {
  const password = text.normalize('NFC')
  return [...password].length >= 8 && Buffer.byteLength(password) <= 72
})

/** Validates bodies as they are, and the strings of a path or a query after turning those of digits into numbers. */
export const validatorCompiler: FastifySchemaCompiler<FastifySchema> = ({ schema, httpPart }) => {
  const validate = ajv.compile(schema)
  const isText = httpPart !== 'body'
  const check: Check = (data) => {
    if (isText) readIntegers(data, validate)
    check.errors = validate(data) ? findIllFormedText(data) : (validate.errors ?? [])
    return !check.errors
  }
  return check
}

interface Check {
  (data: unknown): boolean
  errors?: ErrorObject[] | null
}

type Members = Record<string, unknown>

function readIntegers(data: unknown, { schema }: ValidateFunction): void {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> }
  for (const [name, { type }] of Object.entries(properties)) {
    const text = (data as Members)[name]
    if (type === 'integer' && typeof text === 'string' && /^[0-9]+$/.test(text)) {
      ;(data as Members)[name] = Number(text)
    }
  }
}

/** Postgres stores no NUL, and UTF-8 has no lone surrogates. */
function findIllFormedText(data: unknown, path = ''): ErrorObject[] | null {
  if (typeof data === 'string') {
    if (data.includes('\0')) return [problem(path, 'must not contain NUL')]
    if (!data.isWellFormed()) return [problem(path, 'must not contain a lone surrogate')]
  } else if (typeof data === 'object' && data !== null) {
    for (const [name, value] of Object.entries(data)) {
      const found = findIllFormedText(value, `${path}/${name}`)
      if (found) return found
    }
  }
  return null
}

function problem(instancePath: string, message: string): ErrorObject {
  return { instancePath, message, keyword: 'text', schemaPath: '#', params: {} }
}
