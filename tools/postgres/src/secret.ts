import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readCode } from './errors.ts'
import { platform } from './platform/index.ts'

/**
 * Returns a random secret that is created once, and kept in a file of this name that only its owner can read.
 *
 * If two processes create one at the same time, the first wins and both use its secret.
 */
export async function loadOrCreateSecret(
  dir: string,
  name: string,
): Promise<{ secret: string; file: string; isNew: boolean }> {
  const file = join(dir, name)
  await mkdir(dir, { recursive: true })
  // Not the process id: two containers that share a folder may have the same one.
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  try {
    await writeFile(draft, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx' })
    await platform.restrictToOwner(draft)
    const isNew = await linkUnlessExists(draft, file)
    return { secret: await readFile(file, 'utf8'), file, isNew }
  } finally {
    await rm(draft, { force: true })
  }
}

/** Unlike rename, link does not replace an existing file. */
async function linkUnlessExists(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (readCode(error) === 'EEXIST') return false
    throw error
  }
}
