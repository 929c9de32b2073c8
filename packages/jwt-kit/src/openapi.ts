import type { Kinds } from './options.ts'

/** A security scheme object (OpenAPI 3.1 §4.8.27) for bearer tokens. */
export interface SecurityScheme {
  /** It comes in a header of HTTP. */
  readonly type: 'http'
  /** After the word `Bearer`. */
  readonly scheme: 'bearer'
  /** It is a JSON Web Token. */
  readonly bearerFormat: 'JWT'
  /** Its type and its claims. */
  readonly description: string
}

/** The security schemes of a kit's kinds, by name: what `components.securitySchemes` takes. */
export function createSecuritySchemes<K extends Kinds>(
  kinds: K,
): { readonly [N in keyof K]: SecurityScheme } {
  const entries = Object.entries(kinds).map(([name, { typ, claims }]) => {
    const rows = Object.entries(claims.properties as Record<string, { description?: string }>).map(
      ([claim, { description }]) => `\n- \`${claim}\`${description === undefined ? '' : `: ${description}`}`,
    )
    const description = `A token of type \`${typ}\`, in the header \`Authorization: Bearer <token>\`. Its claims:${rows.join('')}`
    return [name, Object.freeze({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description })]
  })
  return Object.freeze(Object.fromEntries(entries))
}
