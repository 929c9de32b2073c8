import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { ClusterFolder } from './folder.ts'

/** Modes may have been widened since initdb: by a copy, a backup, a `chmod -R`. */
export async function closeToOthers(folder: ClusterFolder): Promise<void> {
  await setMode(folder.home, 0o700)
  await setMode(folder.data, 0o700)
  await setMode(folder.password, 0o600)
}

/** Of the file itself: root follows no link that the folder's owner may have put there. */
async function setMode(file: string, mode: number): Promise<void> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  await handle.chmod(mode).finally(() => handle.close())
}
