import { readFile } from 'node:fs/promises'
import { EmbeddedPostgresError, readCode } from './errors.ts'
import { belongsToAnother, type ClusterFolder } from './folder.ts'

export async function readPassword(folder: ClusterFolder): Promise<string> {
  try {
    return (await readFile(folder.password, 'utf8')).trim()
  } catch (error) {
    if (readCode(error) === 'EACCES') throw belongsToAnother(folder)
    throw new EmbeddedPostgresError(
      `The password of the embedded Postgres, ${folder.password}, is missing. Put it back, or move ${folder.home} aside to start over.`,
    )
  }
}
