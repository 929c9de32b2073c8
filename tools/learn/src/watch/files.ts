import { relative } from 'node:path'
import { watch } from 'chokidar'

/** Editors write a file in several steps; so long after the last one it is whole, in milliseconds. */
const QUIET_MS = 60

/** Calls back with the chapters' folders whose exercises were saved, once for each burst. */
export async function watchExercises(
  chapters: string,
  onSave: (folders: ReadonlySet<string>) => void,
): Promise<() => Promise<void>> {
  let saved = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(chapters, {
    ignoreInitial: true,
    ignored: (path) => !isWatched(relative(chapters, path)),
  })
  watcher.on('all', (_event, path) => {
    const [folder = '', exercise] = relative(chapters, path).split('/')
    if (exercise === undefined) return
    saved.add(folder)
    clearTimeout(timer)
    timer = setTimeout(() => {
      const folders = saved
      saved = new Set()
      onSave(folders)
    }, QUIET_MS)
  })
  watcher.on('error', () => {})
  await new Promise<void>((ready) => watcher.once('ready', ready))
  return async () => {
    clearTimeout(timer)
    await watcher.close()
  }
}

/** The exercises and the way to them; what editors keep beside a file is not watched. */
function isWatched(path: string): boolean {
  const [, below, ...rest] = path.split('/')
  if (below === undefined) return true
  return below === 'exercise' && !rest.some((name) => /^\.|~$|^node_modules$|^4913$/.test(name))
}
