import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** Takes every permission of other users away. Root follows no link that the folder's owner may have created. */
export async function restrictToOwner(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await handle.chmod((await handle.stat()).isDirectory() ? 0o700 : 0o600)
  } finally {
    await handle.close()
  }
}
