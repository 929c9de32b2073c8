import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The secret that this checkout signs its tokens with: made once, and kept in a file that only its owner reads.
 *
 * Of two processes that make one at the same time, the first wins and both use its secret.
 */
export async function keptSecret(dir: string): Promise<{ secret: string; file: string; isNew: boolean }> {
  const file = join(dir, 'jwt-secret')
  await mkdir(dir, { recursive: true })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, randomBytes(48).toString('base64url'), { mode: 0o600 })
  // Unlike rename, link does not replace what is there.
  const isNew = await link(draft, file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )
  await rm(draft)
  return { secret: await readFile(file, 'utf8'), file, isNew }
}
