import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** The members of a JSON Schema that the tests read. */
export interface Schema {
  $ref?: string
  type?: string
  format?: string
  enum?: unknown[]
  example?: unknown
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  required?: string[]
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  allOf?: Schema[]
}

export interface Media {
  schema: Schema
  example?: unknown
  examples?: Record<string, { value: unknown }>
}

export interface Operation {
  /** For example `PUT /posts/{id}`. */
  name: string
  method: string
  path: string
  operationId: string
  tags: string[]
  summary: string
  description: string
  /** Empty if the operation needs no token. */
  security: object[]
  parameters: { name: string; in: 'path' | 'query'; required: boolean; schema: Schema; example?: unknown }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<
    string,
    { description: string; headers?: Record<string, object>; content?: Record<string, Media> }
  >
}

export interface OpenApi {
  tags: { name: string }[]
  paths: Record<string, Record<string, Omit<Operation, 'name' | 'method' | 'path'>>>
  components: { schemas: Record<string, Schema>; securitySchemes: object }
}

/** Returns the operations of a document, in its order. */
export function readOperations(document: OpenApi): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([key, operation]) => {
      const method = key.toUpperCase()
      return { ...operation, parameters: operation.parameters ?? [], name: `${method} ${path}`, method, path }
    }),
  )
}

/** Returns the schema that a `$ref` points to, or the schema itself. */
export function follow(document: OpenApi, schema: Schema): Schema {
  const name = schema.$ref?.replace('#/components/schemas/', '')
  return name === undefined ? schema : (document.components.schemas[name] ?? schema)
}

/** Creates a function that checks a value against the schema at these keys of the document. */
export function createValidator(document: OpenApi) {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  // The named import of a CommonJS default.
  addFormats.default(ajv)
  // The service's own tests check these two: a document cannot express their rules.
  ajv.addFormat('idn-email', true)
  ajv.addFormat('new-password', true)
  ajv.addSchema(document, 'openapi')

  /** Returns the errors of the value, or undefined if it matches the schema. */
  return (value: unknown, ...keys: (string | number)[]): string | undefined => {
    const pointer = keys.map((key) =>
      encodeURIComponent(String(key).replaceAll('~', '~0').replaceAll('/', '~1')),
    )
    const validate = ajv.getSchema(`openapi#/${pointer.join('/')}`)
    if (validate === undefined) return `the document has nothing at ${keys.join(' ')}`
    return validate(value) ? undefined : ajv.errorsText(validate.errors)
  }
}
