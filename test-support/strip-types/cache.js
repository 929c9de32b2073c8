// ts-blank-space needs the TypeScript compiler, which takes a second of each test process to load. So its results are
// cached, by the hash of the source.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const FOLDER = resolve(import.meta.dirname, '../../node_modules/.cache/strip-types')

mkdirSync(FOLDER, { recursive: true })

/** Returns JavaScript whose lines and columns are those of the TypeScript. */
export async function stripTypes(source) {
  const file = join(FOLDER, `${createHash('sha256').update(source).digest('hex')}.js`)
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  const { default: blankSpace } = await import('ts-blank-space')
  const stripped = blankSpace(source)
  // Renamed, so that another process never reads half a file.
  writeFileSync(`${file}.${process.pid}`, stripped)
  renameSync(`${file}.${process.pid}`, file)
  return stripped
}
