import { readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SitePage } from './pages.ts'

/** Writes the reference of the packages to a folder, from their doc comments. */
export async function writeReference(out: string): Promise<void> {
  const [{ Application }, { load }] = await Promise.all([
    import('typedoc'),
    import('typedoc-plugin-markdown'),
  ])
  const app = await Application.bootstrapWithPlugins({
    options: resolve(import.meta.dirname, 'typedoc.json'),
    plugin: [load],
    out,
  })
  const project = await app.convert()
  if (project !== undefined) {
    app.validate(project)
    await app.generateOutputs(project)
  }
  const { errorCount, warningCount, validationWarningCount } = app.logger
  if (errorCount + warningCount + validationWarningCount > 0)
    throw new Error('TypeDoc has printed warnings, see above')
}

/** Returns the pages of the reference in a folder, such as `jwt-kit/fastify.md` at `api/jwt-kit/fastify`. */
export async function readReference(folder: string): Promise<SitePage[]> {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/')).sort()
  // The page of all packages only lists them.
  const pages = names.filter((name) => name.endsWith('.md') && name !== 'reference.md')
  return Promise.all(
    pages.map(async (name) => {
      const path = resolve(folder, name)
      // A package with one entry point is not in a folder.
      const [owner = '', entry = 'reference'] = name.replace(/\.md$/, '').split('/')
      const title = `Reference of ${owner}${entry === 'reference' ? '' : `/${entry}`}`
      const text = (await readFile(path, 'utf8'))
        .replace(/^# .+$/m, `# ${title}`)
        // The anchor that the plugin makes for a second export of a function does not exist.
        .replaceAll(/^Renames and re-exports \[(\w+)\]\(#.+\)$/gm, 'The same as `$1`.')
      return { path, url: `api/${owner}/${entry}`, group: 'API', title, text }
    }),
  )
}
