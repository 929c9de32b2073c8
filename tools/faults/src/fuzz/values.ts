import fc, { type Arbitrary } from 'fast-check'
import type { Schema } from '../../../../test-support/document.ts'

/** Generates values that a schema allows, as far as the document describes them. */
export function valid(schema: Schema, follow: (schema: Schema) => Schema): Arbitrary<unknown> {
  const { type, format, enum: values, anyOf, properties, required = [], ...bounds } = follow(schema)
  if (values) return fc.constantFrom(...values)
  if (anyOf) return fc.oneof(...anyOf.map((one) => valid(one, follow)))
  if (type === 'object') {
    return object(
      Object.entries(properties ?? {}).map(([name, one]) => [name, valid(one, follow)]),
      required,
    )
  }
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer') return integer(bounds.minimum, bounds.maximum)
  if (format === 'idn-email') return email
  if (format === 'new-password') return newPassword
  return text(bounds.minLength, bounds.maxLength)
}

/** Generates objects of these members; only the required ones are always present. */
export function object(
  members: [name: string, value: Arbitrary<unknown>][],
  required: string[],
): Arbitrary<Record<string, unknown>> {
  const model: Record<string, Arbitrary<unknown>> = Object.fromEntries(members)
  return fc.record(model, { requiredKeys: required })
}

/** Prefers small integers, and includes both ends of the range. */
function integer(min = 0, max = 2 ** 31 - 1): Arbitrary<number> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min, max: Math.min(max, min + 30) }) },
    { weight: 1, arbitrary: fc.integer({ min, max }) },
    { weight: 1, arbitrary: fc.constantFrom(min, max) },
  )
}

/** Generates well-formed text from all of Unicode, without NUL. */
function text(minLength = 0, maxLength = 300): Arbitrary<string> {
  // An astral character has length 2 in JavaScript and 1 in JSON Schema, so only the upper bound could be violated.
  const max = Math.min(maxLength, 40)
  return fc.oneof(
    fc.string({ unit: 'grapheme-ascii', minLength, maxLength: max }),
    fc.string({ unit: 'binary', minLength, maxLength: max }).map((one) => one.replaceAll('\0', ' ')),
    fc.constantFrom(...ODD_TEXT.filter((one) => one.length >= minLength && one.length <= maxLength)),
  )
}

const email = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...'abcxyzÉéß0189+_-'), minLength: 1, maxLength: 30 }),
    fc.constantFrom('example.com', 'café.example', 'a.b.example.org'),
  )
  .map(([local, domain]) => `${local}@${domain}`)

const newPassword = fc.string({ unit: fc.constantFrom(...'abc xyzÉ0189"\\%\''), minLength: 8, maxLength: 36 })

/** Metacharacters of SQL, LIKE, HTML, JSON, paths and shells, and text that is easily corrupted. */
const ODD_TEXT = [
  "'; DROP TABLE users; --",
  '%_\\',
  '$1',
  '<script>alert(1)</script>',
  '{"$gt":""}',
  '../../etc/passwd',
  '#{7*7}{{7*7}}',
  '\u202e\ufeff\u2028',
  '👩‍👩‍👧‍👦',
  '\t\r\n',
  'null',
  ' ',
]

/** Generates values that no schema of the service asks for, except by chance. */
export const odd: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], '', '0', '1', 'true', 0, -1, 0.5, 1e300, -1e300),
  fc.constantFrom<unknown>(
    2,
    2 ** 31,
    2 ** 53,
    -(2 ** 31),
    '\0',
    'a\0b',
    '\ud800',
    'x\udfff',
    'x'.repeat(400),
  ),
  fc.constantFrom<unknown>({ toString: 1 }, [1, [2, [3]]], 'x'.repeat(30_000), ...ODD_TEXT),
  fc.jsonValue({ maxDepth: 2 }),
)

/** Metacharacters of paths and queries: text that is already encoded, or should have been. */
export const oddText: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '0',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x10',
    '%201',
    '01',
    '2147483648',
    '9'.repeat(101),
    '%00',
    '%FF',
  ),
  fc.constantFrom(
    '',
    'null',
    'undefined',
    'NaN',
    '%',
    '%zz',
    '%2e%2e',
    '%2F',
    '%ED%A0%80',
    '%D9%A3',
    '1;',
    '[]',
    "1'--",
  ),
  fc.string({ maxLength: 20 }).map(encodeURIComponent),
)
