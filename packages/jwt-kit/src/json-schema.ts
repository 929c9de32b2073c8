import { isDeepStrictEqual } from 'node:util'
import { isObject, type JsonObject } from './encoding.ts'
import { JwtKitError } from './errors.ts'
import { type FormatRegistry, findFormat } from './formats.ts'

/** A schema: what TypeBox's functions return, of 0.34 or 1.x. */
export type Schema = Readonly<Record<string | symbol, unknown>>

/** Returns true if a value is as its schema says. */
export type SchemaCheck = (value: unknown) => boolean

/** The settings with which a schema is compiled. */
export interface SchemaRules {
  /** True to refuse every member that an object of the schema does not name, at any depth. */
  readonly closed: boolean
  /** The registry in which formats are looked up before those of TypeBox. */
  readonly formats?: FormatRegistry | undefined
}

/** The member in which TypeBox 0.34 notes which of its functions made a schema. */
const KIND = Symbol.for('TypeBox.Kind')

/** Returns the name of the TypeBox function that made a schema. */
export function readSchemaKind(schema: unknown): unknown {
  return isObject(schema) ? ((schema as Schema)[KIND] ?? schema['~kind']) : undefined
}

/** The kinds of schema that describe JSON. */
const JSON_KINDS: ReadonlySet<unknown> = new Set(
  'Any Array Boolean Enum Integer Intersect Literal Never Not Null Number Object Record String TemplateLiteral Tuple Union Unknown Unsafe'.split(
    ' ',
  ),
)
const REFERENCE_KINDS: ReadonlySet<unknown> = new Set([
  'Ref',
  'This',
  'Import',
  'Module',
  'Cyclic',
  'Recursive',
])

/** Keywords that constrain a value and that this check does not know. To ignore one would accept too much. */
const UNSUPPORTED = [
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
  'if',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'prefixItems',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
  '~refine',
] as const

/**
 * Compiles a schema to a function. It is a tree of closures, so it works if code generation is off
 * (`--disallow-code-generation-from-strings`), and no schema compiler has to be loaded.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` if the schema cannot be checked completely.
 */
export function compileSchema(schema: Schema, rules: SchemaRules): SchemaCheck {
  const kind = readSchemaKind(schema)
  if (REFERENCE_KINDS.has(kind))
    throw refuse('Expected the schema of the claims to have no references', 'Write the schema in place.')
  if (!JSON_KINDS.has(kind)) {
    throw refuse(
      'Expected every claim to be of a type that JSON has, made by a function of TypeBox',
      'Write a date as a string or a number.',
    )
  }
  // TypeBox writes it as the negation of a schema without a kind.
  if (kind === 'Never') return () => false
  const unsupported = UNSUPPORTED.find((keyword) => keyword in schema)
  if (unsupported !== undefined)
    throw refuse(`The schema of the claims has \`${unsupported}\`, which is not supported`, 'Leave it out.')
  const closes = rules.closed && kind === 'Object' && schema.additionalProperties === undefined
  const effective = closes ? { ...schema, additionalProperties: false } : schema
  const checks = Object.keys(effective).flatMap((keyword) => {
    const compile = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined
    return compile === undefined ? [] : [compile(effective, rules)]
  })
  const [first] = checks
  if (first === undefined) return () => true
  return checks.length === 1 ? first : (value) => checks.every((check) => check(value))
}

const TYPES: Readonly<Record<string, SchemaCheck>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  number: Number.isFinite,
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
}

type Compile = (schema: Schema, rules: SchemaRules) => SchemaCheck

/** The keywords of JSON Schema. Each only restricts values of its own type; all others are notes, and are ignored. */
const KEYWORDS: Readonly<Record<string, Compile>> = {
  type: ({ type }) => {
    const checks = [type].flat().map((name) => TYPES[name as string])
    if (checks.every((check) => check !== undefined)) {
      return checks.length === 1
        ? (checks[0] as SchemaCheck)
        : (value) => checks.some((check) => check(value))
    }
    throw refuse(
      'Expected every claim to be of a type that JSON has',
      'Write a date as a string or a number.',
    )
  },
  const: (schema) => equals(schema.const),
  enum: (schema) => {
    const checks = list(schema.enum).map(equals)
    return (value) => checks.some((check) => check(value))
  },
  anyOf: ({ anyOf }, rules) => {
    const checks = compileAll(anyOf, rules)
    return (value) => checks.some((check) => check(value))
  },
  oneOf: ({ oneOf }, rules) => {
    const checks = compileAll(oneOf, rules)
    return (value) => checks.filter((check) => check(value)).length === 1
  },
  // Each part only knows its own members, so none of them can be closed.
  allOf: ({ allOf }, rules) => {
    const checks = compileAll(allOf, open(rules))
    return (value) => checks.every((check) => check(value))
  },
  not: (schema, rules) => {
    const check = compileSchema(asSchema(schema.not), open(rules))
    return (value) => !check(value)
  },

  minLength: ({ minLength }) => forText((text) => Array.from(text).length >= Number(minLength)),
  maxLength: ({ maxLength }) => forText((text) => Array.from(text).length <= Number(maxLength)),
  pattern: ({ pattern }) => {
    const expression = new RegExp(String(pattern))
    return forText((text) => expression.test(text))
  },
  format: (schema, { formats }) => {
    const name = String(schema.format)
    const check = formats?.Get(name) ?? findFormat(name, '~kind' in schema)
    if (check !== undefined) return forText(check)
    throw refuse(
      'Expected every `format` to be known to TypeBox',
      'Register it with FormatRegistry.Set (TypeBox 0.34) or Format.Set (1.x). In a bundle or in Jest, also pass that registry as `formats`.',
    )
  },

  minimum: ({ minimum }) => forNumbers((value) => value >= Number(minimum)),
  maximum: ({ maximum }) => forNumbers((value) => value <= Number(maximum)),
  exclusiveMinimum: ({ exclusiveMinimum }) => forNumbers((value) => value > Number(exclusiveMinimum)),
  exclusiveMaximum: ({ exclusiveMaximum }) => forNumbers((value) => value < Number(exclusiveMaximum)),
  multipleOf: ({ multipleOf }) => forNumbers((value) => Number.isInteger(value / Number(multipleOf))),

  items: ({ items, additionalItems }, rules) => {
    if (!Array.isArray(items)) {
      const check = compileSchema(asSchema(items), rules)
      return forArrays((value) => value.every(check))
    }
    const checks = compileAll(items, rules)
    const rest = additionalItems === undefined ? () => true : compileInner(additionalItems, rules)
    return forArrays((value) => value.every((item, at) => (checks[at] ?? rest)(item)))
  },
  minItems: ({ minItems }) => forArrays((value) => value.length >= Number(minItems)),
  maxItems: ({ maxItems }) => forArrays((value) => value.length <= Number(maxItems)),
  uniqueItems: ({ uniqueItems }) =>
    forArrays(
      (value) =>
        uniqueItems !== true ||
        value.every((item, at) => !value.slice(0, at).some((other) => isDeepStrictEqual(item, other))),
    ),
  contains: ({ contains, minContains = 1, maxContains = Number.POSITIVE_INFINITY }, rules) => {
    const check = compileSchema(asSchema(contains), open(rules))
    return forArrays((value) => {
      const found = value.filter(check).length
      return found >= Number(minContains) && found <= Number(maxContains)
    })
  },

  required: ({ required }) =>
    forObjects((value) => list(required).every((name) => readMember(value, String(name)) !== undefined)),
  properties: ({ properties }, rules) => {
    const checks = compileEntries(properties, rules)
    return forObjects((value) =>
      checks.every(([name, check]) => {
        const member = readMember(value, name)
        return member === undefined || check(member)
      }),
    )
  },
  patternProperties: ({ patternProperties }, rules) => {
    const checks = compileEntries(patternProperties, open(rules)).map(
      ([pattern, check]) => [new RegExp(pattern), check] as const,
    )
    return forObjects((value) =>
      Object.entries(value).every(([name, member]) =>
        checks.every(([pattern, check]) => !pattern.test(name) || check(member)),
      ),
    )
  },
  additionalProperties: ({ additionalProperties, properties, patternProperties }, rules) => {
    const named = new Set(Object.keys((properties as object | undefined) ?? {}))
    const patterns = Object.keys((patternProperties as object | undefined) ?? {}).map(
      (text) => new RegExp(text),
    )
    const check = compileInner(additionalProperties, open(rules))
    const isNamed = (name: string) => named.has(name) || patterns.some((pattern) => pattern.test(name))
    return forObjects((value) =>
      Object.entries(value).every(([name, member]) => isNamed(name) || check(member)),
    )
  },
  minProperties: ({ minProperties }) =>
    forObjects((value) => Object.keys(value).length >= Number(minProperties)),
  maxProperties: ({ maxProperties }) =>
    forObjects((value) => Object.keys(value).length <= Number(maxProperties)),
}

/** Returns an own member of the object, not one that it inherits, such as `constructor`. */
export function readMember(value: JsonObject, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function equals(expected: unknown): SchemaCheck {
  if (typeof expected === 'object' && expected !== null) return (value) => isDeepStrictEqual(value, expected)
  return (value) => value === expected
}

function forText(check: (text: string) => boolean): SchemaCheck {
  return (value) => typeof value !== 'string' || check(value)
}

function forNumbers(check: (value: number) => boolean): SchemaCheck {
  return (value) => typeof value !== 'number' || check(value)
}

function forArrays(check: (value: readonly unknown[]) => boolean): SchemaCheck {
  return (value) => !Array.isArray(value) || check(value)
}

function forObjects(check: (value: JsonObject) => boolean): SchemaCheck {
  return (value) => !isObject(value) || check(value)
}

function open(rules: SchemaRules): SchemaRules {
  return { ...rules, closed: false }
}

function compileAll(schemas: unknown, rules: SchemaRules): SchemaCheck[] {
  return list(schemas).map((schema) => compileSchema(asSchema(schema), rules))
}

function compileEntries(schemas: unknown, rules: SchemaRules): (readonly [string, SchemaCheck])[] {
  return Object.entries(asSchema(schemas)).map(([name, schema]) => [
    name,
    compileSchema(asSchema(schema), rules),
  ])
}

/** Compiles a schema that may also be true or false. */
function compileInner(schema: unknown, rules: SchemaRules): SchemaCheck {
  return typeof schema === 'boolean' ? () => schema : compileSchema(asSchema(schema), rules)
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function asSchema(value: unknown): Schema {
  if (isObject(value)) return value
  throw refuse(
    'Expected the schema of the claims to consist of schemas',
    'Make it with the functions of TypeBox.',
  )
}

function refuse(message: string, hint: string): JwtKitError {
  return new JwtKitError('JWT_KIT_OPTIONS', message, { hint })
}
