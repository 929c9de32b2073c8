type Members = Record<string, unknown>

interface Schema extends Members {
  properties?: Record<string, Members>
}

/**
 * Completes an OpenAPI document for the tools that import it: `transformObject` of `@fastify/swagger`.
 *
 * - Each schema that has a title is written once, under `components`, where generated clients find the names of their types.
 * - A body's example is repeated on its properties, where Swagger UI and Postman look for the values of a form.
 * - A parameter's default is its example.
 * - A choice of integers has their type and bounds, which Swagger UI shows next to its name.
 * - An operation that needs no token has an empty `security`.
 */
export function completeDocument(document: Members): Members {
  const schemas: Record<string, Schema> = {}
  const paths = JSON.parse(JSON.stringify(document.paths), (_key, value) => {
    if (typeof value !== 'object' || value === null) return value
    if (value.type === 'object' && typeof value.title === 'string') {
      // A response's example is moved next to its schema, so the same schema may come once without it.
      if (!(value.title in schemas) || 'examples' in value) schemas[value.title] = value
      return { $ref: `#/components/schemas/${value.title}` }
    }
    if ('operationId' in value) value.security ??= []
    if (isChoiceOfIntegers(value))
      Object.assign(value, {
        type: 'integer',
        minimum: Math.min(...value.enum),
        maximum: Math.max(...value.enum),
      })
    if ('in' in value && value.schema?.default !== undefined) value.example ??= value.schema.default
    if ('example' in value && value.schema?.$ref)
      addExamples(schemas[getName(value.schema.$ref)], value.example)
    return value
  })
  return { ...document, paths, components: { ...(document.components as Members), schemas } }
}

function isChoiceOfIntegers({ type, enum: values }: Members): boolean {
  return type === undefined && Array.isArray(values) && values.length > 1 && values.every(Number.isInteger)
}

const getName = (ref: string) => ref.replace('#/components/schemas/', '')

function addExamples(schema: Schema | undefined, example: Members): void {
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    if (!('$ref' in property) && name in example) property.example ??= example[name]
  }
}
