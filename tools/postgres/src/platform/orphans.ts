import { readdir, readFile, stat } from 'node:fs/promises'
import type { ClusterFolder } from '../folder.ts'

/**
 * Ends the backends that a killed postmaster has left. A backend ends by itself as soon as it waits for something. One that
 * computes does not, and no new postmaster starts next to it.
 */
export async function endOrphans(folder: ClusterFolder): Promise<void> {
  const data = await stat(folder.data)
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      // A backend calls itself "postgres: …". It is an orphan unless its parent is a postmaster.
      if (!(await readFile(`/proc/${pid}/cmdline`, 'utf8')).startsWith('postgres: ')) continue
      const cwd = await stat(`/proc/${pid}/cwd`)
      if (cwd.dev !== data.dev || cwd.ino !== data.ino) continue
      const parent = /^PPid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
      if ((await readFile(`/proc/${parent}/comm`, 'utf8')).trim() === 'postgres') continue
      process.kill(Number(pid), 'SIGQUIT')
    } catch {
      // It has ended in the meantime, or belongs to another user.
    }
  }
}
