import { relative, sep } from 'node:path'
import { watch } from 'chokidar'

/** Editors write a file in several steps. After this time without another one, the file is complete. */
const QUIET_MS = 60

/** Calls `onSave` with the folders of the chapters whose exercises were saved, once per group of saves. */
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
    const [folder = '', exercise] = relative(chapters, path).split(sep)
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

/** Returns true for the exercises and the folders above them, but not for the temporary files of editors. */
function isWatched(path: string): boolean {
  const [, below, ...rest] = path.split(sep)
  if (below === undefined) return true
  return below === 'exercise' && !rest.some((name) => /^\.|~$|^node_modules$|^4913$/.test(name))
}
