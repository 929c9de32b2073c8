import { isObject, type JsonObject } from './encoding.ts'
import { JwtKitError } from './errors.ts'
import type { FormatRegistry } from './formats.ts'
import { compileSchema, readMember, readSchemaKind, type Schema, type SchemaRules } from './json-schema.ts'
import { checkOptionNames } from './option-checks.ts'
import { findSensitiveWord } from './sensitive.ts'

/** An object schema, as JSON Schema has it. */
interface ObjectSchema {
  /** Claims are an object. */
  readonly type: 'object'
  /** The schemas of the claims, by name. */
  readonly properties: Readonly<Record<string, object>>
  /** `false`: `verify` refuses a claim that the schema does not name. */
  readonly additionalProperties?: unknown
}

/**
 * The result of `Type.Object`, of `@sinclair/typebox` 0.34 or `typebox` 1.x. It is described by its shape, so that none of
 * them has to be installed for the other one, and so that the types of the ESM and the CommonJS build are the same.
 */
export type ClaimsSchema = ObjectSchema &
  ({ readonly static: unknown; readonly params: unknown[] } | { readonly '~kind': 'Object' })

/** The type of the claims that a schema describes. */
export type ClaimsOf<C extends ClaimsSchema> = C extends { readonly static: unknown }
  ? (C & { params: [] })['static']
  : ObjectType<C['properties']>

/** The type of an object of TypeBox 1.x. */
type ObjectType<P> = Simplify<
  { -readonly [N in keyof P as P[N] extends Optional ? never : N]: TypeOf<P[N]> } & {
    -readonly [N in keyof P as P[N] extends Optional ? N : never]?: TypeOf<P[N]>
  }
>
type Optional = { readonly '~optional': true }
type Simplify<T> = { [N in keyof T]: T[N] }

/** The type of a value of TypeBox 1.x, whose schemas do not name it. */
type TypeOf<S> = S extends { const: infer V }
  ? V
  : S extends { enum: infer V extends readonly unknown[] }
    ? V[number]
    : S extends { anyOf: infer V extends readonly unknown[] }
      ? TypeOf<V[number]>
      : S extends { allOf: infer V extends readonly unknown[] }
        ? AllOf<V>
        : S extends { type: keyof JsonTypes }
          ? JsonTypes[S['type']]
          : S extends { type: 'array'; items: infer I }
            ? I extends readonly unknown[]
              ? { -readonly [N in keyof I]: TypeOf<I[N]> }
              : TypeOf<I>[]
            : S extends { type: 'object'; properties: infer P }
              ? ObjectType<P>
              : S extends { patternProperties: infer P }
                ? Record<string, TypeOf<P[keyof P]>>
                : unknown
type AllOf<V extends readonly unknown[]> = V extends readonly [infer First, ...infer Rest]
  ? TypeOf<First> & AllOf<Rest>
  : unknown
interface JsonTypes {
  string: string
  number: number
  integer: number
  boolean: boolean
  null: null
}

/** The claims that the kit writes and checks itself (RFC 7519 §4.1). `sub` is not one of them: the service names its subject. */
export const REGISTERED = ['iss', 'aud', 'iat', 'exp', 'nbf', 'jti'] as const

/** The first claim that is wrong. */
export interface ClaimFault {
  /** Its name; undefined if the claims as a whole are wrong. */
  readonly claim: string | undefined
  /** `extra`: the schema does not name it. */
  readonly problem: 'missing' | 'wrong' | 'extra'
}

/** The checks of the claims of one schema. */
export interface ClaimsChecks {
  /** The names of the claims. */
  readonly names: ReadonlySet<string>
  /** True if `verify` refuses a claim that the schema does not name: the schema says `additionalProperties: false`. */
  readonly closed: boolean
  /** Returns the first claim that is missing, wrong or extra. */
  readonly atSigning: (claims: JsonObject) => ClaimFault | undefined
  /** Returns the first claim that is missing or wrong. Claims that the schema does not name are ignored. */
  readonly atVerifying: (claims: JsonObject) => ClaimFault | undefined
}

/** The options of {@link compileClaims}. */
export interface CompileOptions {
  /** The registry of TypeBox that has the formats. It is needed if TypeBox is not found by its name: in a bundle or in Jest. */
  readonly formats?: FormatRegistry | undefined
  /** True to accept claims with sensitive names: for tokens of others, whose names are given. @default false */
  readonly allowSensitiveNames?: boolean
}

/**
 * Checks that a schema can describe claims, and compiles it. `tokenKind` does so itself; this is for packages that verify
 * tokens in other ways.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS`, or `JWT_KIT_SENSITIVE_CLAIM`.
 */
export function compileClaims(claims: ClaimsSchema, options: CompileOptions = {}): ClaimsChecks {
  checkOptionNames('compileClaims', options, ['formats', 'allowSensitiveNames'])
  checkOutline(claims)
  if (options.allowSensitiveNames !== true) checkNames(claims as unknown as Schema)
  const names = new Set(Object.keys(claims.properties))
  const { formats } = options
  if (formats !== undefined && typeof formats?.Get !== 'function') {
    throw refuse(
      'Expected `formats` to be a registry of TypeBox',
      'Pass FormatRegistry (0.34) or Format (1.x).',
    )
  }
  const signing = compileFinder(claims, { closed: true, formats })
  const verifying = compileFinder(claims, { closed: false, formats })
  return {
    names,
    closed: claims.additionalProperties === false,
    atSigning: (value) => {
      const extra = Object.keys(value).find((name) => !names.has(name))
      return extra === undefined ? signing(value) : { claim: extra, problem: 'extra' }
    },
    atVerifying: verifying,
  }
}

function checkOutline(claims: ClaimsSchema): void {
  const kind = readSchemaKind(claims)
  if (kind !== 'Object') {
    const got = typeof kind === 'string' ? `got Type.${kind}` : 'got something else'
    throw refuse(
      `Expected \`claims\` to be one Type.Object of TypeBox, ${got}`,
      'Use Type.Object({ … }) of @sinclair/typebox 0.34 or typebox 1.x. Type.Composite joins several objects.',
    )
  }
  if (claims.additionalProperties !== undefined && claims.additionalProperties !== false) {
    throw refuse(
      'Expected `claims` to name every claim',
      'Leave `additionalProperties` out, or make it false.',
    )
  }
  for (const name of REGISTERED) {
    if (!Object.hasOwn(claims.properties, name)) continue
    const hint = `Leave ${name} out of the schema: the kit writes and checks it.`
    throw refuse(`The claim ${name} is the kit's own`, hint)
  }
}

/** Compiles each claim by itself, so that the wrong one can be named. */
function compileFinder(
  claims: ClaimsSchema,
  rules: SchemaRules,
): (value: JsonObject) => ClaimFault | undefined {
  const { properties, additionalProperties: _, required, ...whole } = claims as unknown as Schema
  const requiredNames = new Set(Array.isArray(required) ? required : [])
  const checks = Object.entries(properties as Record<string, Schema>).map(
    ([name, schema]) => [name, requiredNames.has(name), compileSchema(schema, rules)] as const,
  )
  // The rest of the schema: `minProperties` and the like. The spread has lost the kind of TypeBox 1.x.
  const checkWhole = compileSchema(
    { '~kind': 'Object', ...whole, additionalProperties: true },
    { closed: false },
  )
  return (value) => {
    for (const [claim, isRequired, check] of checks) {
      const member = readMember(value, claim)
      if (member === undefined) {
        if (isRequired) return { claim, problem: 'missing' }
      } else if (!check(member)) return { claim, problem: 'wrong' }
    }
    return checkWhole(value) ? undefined : { claim: undefined, problem: 'wrong' }
  }
}

/** Checks the names of all members, at any depth. */
function checkNames(schema: Schema): void {
  for (const [keyword, inner] of Object.entries(schema)) {
    if (!isObject(inner) && !Array.isArray(inner)) continue
    if (keyword === 'properties') {
      for (const [name, property] of Object.entries(inner)) checkName(name, property as Schema)
    }
    if (!NOTES.has(keyword)) checkNames(inner as unknown as Schema)
  }
}

/** Keywords whose value is data, and no schema. */
const NOTES: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'example', 'required'])

function checkName(name: string, schema: Schema): void {
  if (name === '__proto__') throw refuse('No claim can be called __proto__', 'Give it another name.')
  const word = schema?.public === true ? undefined : findSensitiveWord(name)
  if (word === undefined) return
  throw new JwtKitError(
    'JWT_KIT_SENSITIVE_CLAIM',
    `The claim ${name} looks sensitive (${word}), and anyone who holds a token can read its payload`,
    {
      claim: name,
      part: 'payload',
      hint: 'Leave it out and look it up by `sub`, or say `public: true` in its schema.',
    },
  )
}

function refuse(message: string, hint: string): JwtKitError {
  return new JwtKitError('JWT_KIT_OPTIONS', message, { hint })
}
