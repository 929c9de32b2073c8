import path from 'node:path'

/** `AUTH_PRIMER_DATA_DIR`, or `.data` in the checkout. */
export function defaultDataDir(env: NodeJS.ProcessEnv = process.env): string {
  return path.resolve(env.AUTH_PRIMER_DATA_DIR || path.join(import.meta.dirname, '../../../.data'))
}
