import type { FastifyRequest } from 'fastify'

export interface Schema {
  additionalProperties?: unknown
  properties?: Record<string, Schema>
  items?: Schema
}

/**
 * Returns the names of the members that the schema removes from a payload, such as `owner.password`. For a list, those of
 * its first element.
 */
export function listOmittedNames(payload: unknown, schema: Schema | undefined, prefix = ''): string[] {
  if (schema === undefined || payload === null || typeof payload !== 'object') return []
  if (Array.isArray(payload)) return listOmittedNames(payload[0], schema.items, prefix)
  const { properties, additionalProperties = false } = schema
  if (properties === undefined || additionalProperties !== false) return []
  return Object.entries(payload).flatMap(([name, value]) =>
    Object.hasOwn(properties, name)
      ? listOmittedNames(value, properties[name], `${prefix}${name}.`)
      : [`${prefix}${name}`],
  )
}

/** Returns the route's schema of a response with this status. */
export function findResponseSchema(request: FastifyRequest, status: number): Schema | undefined {
  const { response = {} } = (request.routeOptions.schema ?? {}) as { response?: Record<string, Described> }
  const described = response[status]
  return described?.content?.['application/json']?.schema ?? described
}

interface Described extends Schema {
  content?: Record<string, { schema?: Schema }>
}
