import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** A JSON Schema of the document, as far as the tests look into it. */
export interface Schema {
  $ref?: string
  type?: string
  format?: string
  enum?: unknown[]
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
  /** As in `PUT /posts/{id}`. */
  name: string
  method: string
  path: string
  operationId: string
  tags: string[]
  summary: string
  description: string
  security?: object[]
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

/** The operations of a document, in its order. */
export function readOperations(document: OpenApi): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([key, operation]) => {
      const method = key.toUpperCase()
      return { ...operation, parameters: operation.parameters ?? [], name: `${method} ${path}`, method, path }
    }),
  )
}

/** The schema that a `$ref` of the document stands for, or the schema itself. */
export function follow(document: OpenApi, schema: Schema): Schema {
  const name = schema.$ref?.replace('#/components/schemas/', '')
  return name === undefined ? schema : (document.components.schemas[name] ?? schema)
}

/** Checks values against schemas of the document, found by the keys that lead there. */
export function createValidator(document: OpenApi) {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  // The named import of a CommonJS default.
  addFormats.default(ajv)
  // What these two ask for is more than a document can say, and the service's own tests hold it.
  ajv.addFormat('idn-email', true)
  ajv.addFormat('new-password', true)
  ajv.addSchema(document, 'openapi')

  /** What is wrong with the value; nothing where it is as the schema says. */
  return (value: unknown, ...keys: (string | number)[]): string | undefined => {
    const pointer = keys.map((key) =>
      encodeURIComponent(String(key).replaceAll('~', '~0').replaceAll('/', '~1')),
    )
    const validate = ajv.getSchema(`openapi#/${pointer.join('/')}`)
    if (validate === undefined) return `the document has nothing at ${keys.join(' ')}`
    return validate(value) ? undefined : ajv.errorsText(validate.errors)
  }
}
