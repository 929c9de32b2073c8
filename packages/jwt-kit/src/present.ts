import { JwtKitError } from './errors.ts'
import type { TokenKind } from './kind.ts'
import { REGISTERED } from './schema.ts'
import type { JsonObject } from './strict-json.ts'

/**
 * Makes the last step of verifying: the claims of the schema are checked, what neither the schema nor the kit names is left
 * out (RFC 7519 §4) or, where the schema is closed, refused, and the rest is frozen.
 */
export function createPresent(kind: TokenKind): (payload: JsonObject) => JsonObject {
  const { checks } = kind
  const names: ReadonlySet<string> = new Set([...checks.names, ...REGISTERED])
  return (payload) => {
    const wrong = checks.atVerifying(payload)
    if (wrong !== undefined) throw refused(names.has(wrong) ? wrong : undefined)
    for (const name of Object.keys(payload)) {
      if (names.has(name)) continue
      if (checks.closed) throw refused(undefined)
      delete payload[name]
    }
    return freeze(payload)
  }
}

function refused(claim: string | undefined): JwtKitError {
  return new JwtKitError('JWT_KIT_CLAIMS', 'The claims are not those of this kind of token', {
    part: 'payload',
    ...(claim !== undefined && { claim }),
    hint: 'The token was signed for another schema: issue a new one.',
  })
}

function freeze(value: JsonObject): JsonObject {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) freeze(inner as JsonObject)
  }
  return Object.freeze(value)
}
