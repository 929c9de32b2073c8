import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Returns true if a text has a format. */
export type FormatCheck = (text: string) => boolean

/** A registry of formats: `FormatRegistry` of TypeBox 0.34, `Format` of 1.x. */
export interface FormatRegistry {
  /** Returns the check of a format, or undefined. */
  readonly Get: (name: string) => FormatCheck | undefined
}

/**
 * Finds a format where TypeBox registers it. TypeBox 0.34 has two builds, each with a registry of its own: `require` gets the
 * CommonJS one and `import` the ESM one. They are loaded only here, since only a schema with a format needs them.
 *
 * @param isTypeBox1 - true if the schema was made by TypeBox 1.x, the package `typebox`.
 */
export function findFormat(name: string, isTypeBox1: boolean): FormatCheck | undefined {
  for (const load of isTypeBox1 ? [loadTypeBox1] : [loadCommonJs, loadEsm]) {
    const check = attempt(load)?.Get(name)
    if (check !== undefined) return check
  }
  return undefined
}

// A build that nobody has loaded has no formats.
function loadCommonJs(): FormatRegistry | undefined {
  const load = createRequire(import.meta.url)
  return load.cache[load.resolve('@sinclair/typebox')]?.exports.FormatRegistry
}

function loadEsm(): FormatRegistry | undefined {
  return loadModule('@sinclair/typebox').FormatRegistry
}

function loadTypeBox1(): FormatRegistry | undefined {
  return loadModule('typebox/format').Format
}

function loadModule(name: string): Record<string, FormatRegistry | undefined> {
  return createRequire(import.meta.url)(fileURLToPath(import.meta.resolve(name)))
}

// TypeBox is an optional peer, so it may be missing. A CommonJS bundle has no `import.meta`.
function attempt(load: () => FormatRegistry | undefined): FormatRegistry | undefined {
  try {
    return load()
  } catch {
    return undefined
  }
}
