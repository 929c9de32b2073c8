import { randomBytes } from 'node:crypto'
import { chmod, copyFile, lstat, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { EmbeddedPostgresError, readCode } from '../errors.ts'

const STICKY = 0o1000
const WRITABLE_BY_OTHERS = 0o022

/**
 * Copies the programs once to a folder in which an unprivileged account can run them. npm may have installed them in a
 * closed home, or in a folder in which this process may not create their links. Returns the copy.
 */
export async function copyBinaries(native: string, sharedCache: string): Promise<string> {
  const { name, version } = JSON.parse(await readFile(path.join(native, '../package.json'), 'utf8'))
  const folder = `auth-primer-postgres-${path.basename(name)}-${version}-${process.getuid?.()}`
  const problems: string[] = []
  for (const cache of listCaches(sharedCache)) {
    const copy = path.join(cache, folder)
    try {
      await mkdir(cache, { recursive: true })
      await assertOthersCannotReplace(cache)
      if (!(await isComplete(copy, native))) await createCopy(copy, native)
      await assertOthersCannotWrite(copy)
      return copy
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new EmbeddedPostgresError(
    `The embedded Postgres cannot be copied to a folder where it can run (${problems.join('; ')}). Name a folder for it in AUTH_PRIMER_POSTGRES_CACHE, or set DATABASE_URL to your own Postgres.`,
  )
}

function listCaches(sharedCache: string): string[] {
  const chosen = process.env.AUTH_PRIMER_POSTGRES_CACHE
  if (chosen) return [path.resolve(chosen)]
  const own =
    process.getuid?.() === 0 ? sharedCache : process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache')
  return [own, os.tmpdir()]
}

async function createCopy(copy: string, native: string): Promise<void> {
  const unfinished = `${copy}.${randomBytes(6).toString('hex')}`
  try {
    for (const file of await listFiles(native)) {
      const from = path.join(native, file)
      const to = path.join(unfinished, file)
      await mkdir(path.dirname(to), { recursive: true })
      await copyFile(from, to)
      await chmod(to, (await stat(from)).mode & 0o100 ? 0o755 : 0o644)
    }
    for (const folder of await listFolders(unfinished)) await chmod(folder, 0o755)
    // Replaces an incomplete copy, which a cleaner of temporary files has left. Another process may do the same.
    await rename(copy, `${unfinished}.old`).catch(() => {})
    await rename(unfinished, copy).catch((error) => {
      if (readCode(error) !== 'ENOTEMPTY' && readCode(error) !== 'EEXIST') throw error
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
    await rm(`${unfinished}.old`, { recursive: true, force: true })
  }
}

async function isComplete(copy: string, native: string): Promise<boolean> {
  try {
    for (const file of await listFiles(native)) {
      const [copied, original] = await Promise.all([
        stat(path.join(copy, file)),
        stat(path.join(native, file)),
      ])
      if (copied.size !== original.size) return false
    }
    return true
  } catch {
    return false
  }
}

/** Returns the files that Postgres needs to run: no static libraries, and no links, which are created again. */
async function listFiles(native: string): Promise<string[]> {
  const entries = await readdir(native, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.a'))
    .map((entry) => path.relative(native, path.join(entry.parentPath, entry.name)))
}

async function listFolders(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return [
    root,
    ...entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(entry.parentPath, entry.name)),
  ]
}

async function assertOthersCannotWrite(copy: string): Promise<void> {
  const { uid, mode } = await lstat(copy)
  if (uid === process.getuid?.() && !(mode & WRITABLE_BY_OTHERS)) return
  throw new EmbeddedPostgresError(`${copy} belongs to another user, or other users may write to it`)
}

/** In a folder that others may write to, they could replace the programs, unless the folder is sticky. */
async function assertOthersCannotReplace(cache: string): Promise<void> {
  const { uid, mode } = await stat(cache)
  if ((uid === 0 || uid === process.getuid?.()) && (!(mode & WRITABLE_BY_OTHERS) || mode & STICKY)) return
  throw new EmbeddedPostgresError(`other users may replace the files in ${cache}`)
}
