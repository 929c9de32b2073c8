import { FormatRegistry, Kind, type TObject, type TSchema } from '@sinclair/typebox'
import { TypeCompiler, type ValueError } from '@sinclair/typebox/compiler'
import { JwtKitError } from './errors.ts'
import { sensitiveWord } from './sensitive.ts'
import { isObject } from './strict-json.ts'

/**
 * A TypeBox object: what `Type.Object` makes. It is described by its shape, so that it may come from TypeBox's ESM build or
 * its CommonJS one, whose types TypeScript holds to be different.
 */
export interface ClaimsSchema {
  /** As JSON Schema has it. */
  readonly type: 'object'
  /** The type that it describes; TypeBox alone uses it. */
  readonly static: unknown
  /** TypeBox alone uses it. */
  readonly params: unknown[]
  /** The schemas of the claims, by name. */
  readonly properties: Readonly<Record<string, object>>
  /** `false`: a claim that is not named is refused when verifying, too. */
  readonly additionalProperties?: unknown
}

/** The type of the claims that a schema describes. */
export type ClaimsOf<C extends ClaimsSchema> = (C & { params: [] })['static']

/** The claims that are the kit's own (RFC 7519 §4.1). `sub` is not: who the subject is, the service says. */
export const REGISTERED = ['iss', 'aud', 'iat', 'exp', 'nbf', 'jti'] as const

/** The checks of a kind's claims, compiled once. */
export interface ClaimsChecks {
  readonly names: ReadonlySet<string>
  /** Whether a claim that is not in the schema is refused at verifying too: where it says `additionalProperties: false`. */
  readonly closed: boolean
  /** The claim that is wrong, missing or too much, `''` for the whole, or nothing where all is well. */
  atSigning(claims: unknown): string | undefined
  /** As `atSigning`, but what the schema does not name is not looked at. */
  atVerifying(claims: unknown): string | undefined
}

/**
 * Checks that a schema can describe claims, and compiles it.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS`, or `JWT_KIT_SENSITIVE_CLAIM`.
 */
export function compileClaims(schema: ClaimsSchema): ClaimsChecks {
  const claims = schema as unknown as TObject
  if (claims?.[Kind] !== 'Object')
    throw refuse('Expected `claims` to be a TypeBox object', 'Use Type.Object({ … }).')
  if (claims.additionalProperties !== undefined && claims.additionalProperties !== false) {
    throw refuse(
      'Expected `claims` to name every claim',
      'Leave `additionalProperties` out, or make it false.',
    )
  }
  for (const name of REGISTERED) {
    if (Object.hasOwn(claims.properties, name)) {
      throw refuse(
        `The claim ${name} is the kit's own`,
        `Leave ${name} out of the schema: the kit writes and checks it.`,
      )
    }
  }
  checkParts(claims)
  const { additionalProperties: _, ...open } = claims
  const [signing, verifying] = [compile(close(claims)), compile(open as TObject)]
  return {
    names: new Set(Object.keys(claims.properties)),
    closed: claims.additionalProperties === false,
    atSigning: (value) => (signing.Check(value) ? undefined : firstFault(signing, value)),
    atVerifying: (value) => (verifying.Check(value) ? undefined : firstFault(verifying, value)),
  }
}

type Compiled = ReturnType<typeof TypeCompiler.Compile>

function compile(schema: TSchema): Compiled {
  try {
    return TypeCompiler.Compile(schema)
  } catch {
    throw refuse(
      'The schema of the claims cannot be compiled',
      'Use the JSON types of TypeBox, without references.',
    )
  }
}

function firstFault(check: Compiled, value: unknown): string {
  // A value that the check refuses has an error.
  const { path } = check.Errors(value).First() as ValueError
  return (path.split('/')[1] ?? '').replaceAll('~1', '/').replaceAll('~0', '~')
}

// Where a schema has further schemas in it.
const INNER = [
  'items',
  'anyOf',
  'allOf',
  'not',
  'contains',
  'patternProperties',
  'additionalProperties',
] as const

const JSON_TYPES = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])

function checkParts(schema: TSchema): void {
  if (schema.type !== undefined && !JSON_TYPES.has(schema.type)) {
    throw refuse(
      'Expected every claim to be of a type that JSON has',
      'Write a date as a string or a number.',
    )
  }
  if (schema.format !== undefined && !FormatRegistry.Has(schema.format)) {
    throw refuse(
      'Expected every `format` to be known to TypeBox',
      'Register it with FormatRegistry.Set, or use `pattern`.',
    )
  }
  for (const [name, part] of Object.entries<TSchema>(schema.properties ?? {})) {
    checkName(name, part)
    checkParts(part)
  }
  for (const part of Object.values<TSchema>(schema.patternProperties ?? {})) checkParts(part)
  for (const inner of INNER.map((name) => schema[name])) {
    for (const part of Array.isArray(inner) ? inner : [inner]) if (isObject(part)) checkParts(part as TSchema)
  }
}

function checkName(name: string, schema: TSchema): void {
  if (name === '__proto__') throw refuse('No claim can be called __proto__', 'Give it another name.')
  const word = schema.public === true ? undefined : sensitiveWord(name)
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

// TypeBox's objects are open unless they say otherwise; what is signed holds nothing that the schema does not name.
function close<S extends TSchema>(schema: S): S {
  const { properties, items, anyOf } = schema
  const closed = { ...schema }
  if (schema[Kind] === 'Object') {
    const entries = Object.entries<TSchema>(properties).map(([name, part]) => [name, close(part)])
    Object.assign(closed, { properties: Object.fromEntries(entries) })
    Object.assign(closed, { additionalProperties: schema.additionalProperties ?? false })
  }
  if (items) Object.assign(closed, { items: Array.isArray(items) ? items.map(close) : close(items) })
  if (anyOf) Object.assign(closed, { anyOf: anyOf.map(close) })
  return closed
}

function refuse(message: string, hint: string): JwtKitError {
  return new JwtKitError('JWT_KIT_OPTIONS', message, { hint })
}
