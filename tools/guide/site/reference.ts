import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Application, DocumentationEntryPoint, TypeScript } from 'typedoc'
import { CHECKOUT, type SitePage } from './pages.ts'

const PACKAGES = resolve(CHECKOUT, 'packages')

/** Writes the reference of the packages to a folder, from their doc comments. */
export async function writeReference(out: string): Promise<void> {
  const [typedoc, { load }] = await Promise.all([import('typedoc'), import('typedoc-plugin-markdown')])
  const app = await typedoc.Application.bootstrapWithPlugins({
    options: resolve(import.meta.dirname, 'typedoc.json'),
    plugin: [load],
    out,
  })
  const names = (await readdir(PACKAGES)).sort()
  const project = app.converter.convert(await readEntryPoints(app, typedoc.TypeScript, names))
  // TypeDoc validates only the types of the project's own package.
  for (const name of names) {
    project.packageName = `@auth-primer/${name}`
    const { intentionallyNotExported = [], intentionallyNotDocumented = [] } = await readSettings(name)
    app.options.setValue('intentionallyNotExported', intentionallyNotExported)
    app.options.setValue('intentionallyNotDocumented', intentionallyNotDocumented)
    app.validate(project)
  }
  await app.generateOutputs(project)
  const { errorCount, warningCount, validationWarningCount } = app.logger
  if (errorCount + warningCount + validationWarningCount > 0)
    throw new Error('TypeDoc has printed warnings, see above')
}

/** Reads what is left out of a package's reference on purpose. */
async function readSettings(name: string): Promise<Record<string, readonly string[]>> {
  const path = resolve(PACKAGES, name, 'typedoc.json')
  return existsSync(path) ? JSON.parse(await readFile(path, 'utf8')) : {}
}

/**
 * Returns the entry points of the packages. They are parts of one program: TypeDoc's own way, a program for each package,
 * takes longer, because each reads the types of Node, Fastify and knex again.
 */
async function readEntryPoints(
  app: Application,
  ts: typeof TypeScript,
  names: readonly string[],
): Promise<DocumentationEntryPoint[]> {
  const entries = await Promise.all(
    names.map(async (name) => {
      const { exports } = JSON.parse(await readFile(resolve(PACKAGES, name, 'package.json'), 'utf8'))
      const keys = Object.keys(exports).filter((key) => key !== './package.json')
      return keys.map((key) => ({
        displayName: key.replace('.', name).replace('/', '.'),
        path: resolve(PACKAGES, name, 'src', `${key === '.' ? 'index' : key}.ts`),
      }))
    }),
  )
  const paths = entries.flat().map(({ path }) => path)
  const program = ts.createProgram(paths, {
    ...app.options.getCompilerOptions(app.logger),
    // Links the types that a package has from another one. They don't have to be built.
    paths: { '@auth-primer/*': [resolve(PACKAGES, '*/src/index.ts')] },
  })
  return entries.flat().map(({ displayName, path }) => {
    const sourceFile = program.getSourceFile(path)
    if (sourceFile === undefined) throw new Error(`${path} is missing, but its package exports it`)
    return { displayName, program, sourceFile }
  })
}

/** Returns the pages of the reference in a folder, such as `jwt-kit.fastify.md` at `api/jwt-kit/fastify`. */
export async function readReference(folder: string): Promise<SitePage[]> {
  // The page of all packages only lists them.
  const pages = (await readdir(folder)).filter((name) => name !== 'reference.md').sort()
  return Promise.all(
    pages.map(async (name) => {
      const path = resolve(folder, name)
      const [owner = '', entry = 'reference'] = name.replace(/\.md$/, '').split('.')
      const title = `Reference of ${owner}${entry === 'reference' ? '' : `/${entry}`}`
      const text = (await readFile(path, 'utf8'))
        .replace(/^# .+$/m, `# ${title}`)
        // The anchor that the plugin makes for a second export of a function does not exist.
        .replaceAll(/^Renames and re-exports \[(\w+)\]\(#.+\)$/gm, 'The same as `$1`.')
      return { path, url: `api/${owner}/${entry}`, group: 'API', title, text }
    }),
  )
}
