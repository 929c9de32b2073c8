import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifySchema, FastifySerializerCompiler } from 'fastify'

type Serialize = ReturnType<FastifySerializerCompiler<FastifySchema>>

const compile = SerializerSelector()({}, {}) as FastifySerializerCompiler<FastifySchema>
const made = new Map<string, Serialize>()

/** Fastify's own, made once for each schema rather than for each route: nearly all routes answer with the same problems. */
export const serializerCompiler: FastifySerializerCompiler<FastifySchema> = (route) => {
  const schema = JSON.stringify(route.schema)
  const known = made.get(schema)
  if (known !== undefined) return known
  const serialize = compile(route)
  made.set(schema, serialize)
  return serialize
}
