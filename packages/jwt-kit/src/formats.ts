import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Returns true if a text has a format. */
export type FormatCheck = (text: string) => boolean

/** A registry of TypeBox: `FormatRegistry` of 0.34, `Format` of 1.x. */
interface Registry {
  readonly Get: (name: string) => FormatCheck | undefined
}

const require = createRequire(import.meta.url)

/**
 * Finds a format where TypeBox registers it. TypeBox 0.34 has two builds, each with a registry of its own: `require` gets the
 * CommonJS one and `import` the ESM one. They are loaded only here, since only a schema with a format needs them.
 *
 * @param isTypeBox1 - true if the schema was made by TypeBox 1.x, the package `typebox`.
 */
export function findFormat(name: string, isTypeBox1: boolean): FormatCheck | undefined {
  for (const load of isTypeBox1 ? [loadTypeBox1] : [loadCommonJs, loadEsm]) {
    const check = load()?.Get(name)
    if (check !== undefined) return check
  }
  return undefined
}

// A build that nobody has loaded has no formats.
function loadCommonJs(): Registry | undefined {
  return attempt(() => {
    const file = require.resolve('@sinclair/typebox')
    return require.cache[file]?.exports.FormatRegistry
  })
}

function loadEsm(): Registry | undefined {
  return attempt(() => require(fileURLToPath(import.meta.resolve('@sinclair/typebox'))).FormatRegistry)
}

function loadTypeBox1(): Registry | undefined {
  return attempt(() => require(fileURLToPath(import.meta.resolve('typebox/format'))).Format)
}

// TypeBox is an optional peer, so it may be missing.
function attempt(load: () => Registry | undefined): Registry | undefined {
  try {
    return load()
  } catch {
    return undefined
  }
}
