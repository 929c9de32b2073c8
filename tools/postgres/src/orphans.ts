import { readdir, readFile, stat } from 'node:fs/promises'
import type { ClusterFolder } from './folder.ts'

/**
 * Ends the backends that a killed postmaster has left: they end by themselves once they wait for something,
 * but one that computes does not, and no new postmaster starts beside it.
 *
 * On Linux only: macOS does not tell which cluster a backend belongs to.
 */
export async function endOrphans(folder: ClusterFolder): Promise<void> {
  if (process.platform !== 'linux') return
  const data = await stat(folder.data)
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      // A backend calls itself "postgres: …"; one whose parent is a postmaster is no orphan.
      if (!(await readFile(`/proc/${pid}/cmdline`, 'utf8')).startsWith('postgres: ')) continue
      const cwd = await stat(`/proc/${pid}/cwd`)
      if (cwd.dev !== data.dev || cwd.ino !== data.ino) continue
      const parent = /^PPid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
      if ((await readFile(`/proc/${parent}/comm`, 'utf8')).trim() === 'postgres') continue
      process.kill(Number(pid), 'SIGQUIT')
    } catch {
      // It has ended meanwhile, or is another user's.
    }
  }
}
