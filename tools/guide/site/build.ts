import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { improveMarkdown } from './markdown.ts'
import { CHECKOUT, createErrorsPage, readSitePages, readSources } from './pages.ts'

/** TypeDoc reads no pages from outside of the checkout. */
const CACHE = resolve(CHECKOUT, 'node_modules/.cache/auth-primer-docs')

// `npm run docs`: builds the site in a folder next to it, and then moves it to its place.
if (existsSync('.env')) process.loadEnvFile()
const site = resolve(process.env.AUTH_PRIMER_SITE_DIR || resolve(CHECKOUT, 'site'))
const work = `${site}.${process.pid}`
const ifOlder = process.argv.includes('--if-older')
try {
  await removeLeftovers()
  if (ifOlder && (await isNewerThanItsSources(site))) process.exit()
  await mkdir(work)
  const built = await build(work)
  await putInPlace(built)
  console.log(`The site is in ${site}`)
} catch (error) {
  console.error(`The site was not built: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  await rm(work, { recursive: true, force: true }).catch(() => undefined)
}

async function build(folder: string): Promise<string> {
  const out = resolve(folder, 'site')
  const pages = await readSitePages()
  const isError = ({ group }: { group: string }) => group === 'Errors'
  const errors = await createErrorsPage(resolve(CACHE, 'errors.md'), pages.filter(isError))
  await mkdir(CACHE, { recursive: true })
  // Renamed, so that another build never reads half a file.
  const written = resolve(folder, 'errors.md')
  await writeFile(written, errors.text)
  await rename(written, errors.path)
  // The page that lists the errors has them below it.
  const first = pages.findIndex(isError)
  const documents = pages.toSpliced(first, pages.filter(isError).length, errors)

  const [{ Application }, { sitePlugin }] = await Promise.all([import('typedoc'), import('./plugin.ts')])
  const app = await Application.bootstrapWithPlugins({
    options: resolve(import.meta.dirname, 'typedoc.json'),
    out,
    projectDocuments: documents.map(({ path }) => path),
    markdownItLoader: improveMarkdown,
    plugin: [sitePlugin([...pages, errors])],
  })
  const project = await app.convert()
  if (project !== undefined) {
    app.validate(project)
    await app.generateOutputs(project)
  }
  const { errorCount, warningCount, validationWarningCount } = app.logger
  if (errorCount + warningCount + validationWarningCount > 0)
    throw new Error('TypeDoc has printed warnings, see above')
  return out
}

async function putInPlace(built: string): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    try {
      return await rename(built, site)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      // The earlier site is there, or that of another build at the same time.
      if (turn === 10 || !['ENOTEMPTY', 'EEXIST'].includes(code)) throw error
      await rename(site, resolve(work, `old-${turn}`)).catch(() => undefined)
    }
  }
}

async function isNewerThanItsSources(folder: string): Promise<boolean> {
  const readTime = async (path: string) => (await stat(path)).mtimeMs
  const built = await readTime(resolve(folder, 'index.html')).catch(() => 0)
  const sources = await Promise.all((await readSources()).map(readTime))
  return sources.every((time) => time < built)
}

/** Removes the folders of builds that were killed: each has the id of its process in its name. */
async function removeLeftovers(): Promise<void> {
  const folder = dirname(site)
  for (const name of await readdir(folder)) {
    const pid = name.startsWith(`${basename(site)}.`)
      ? Number(name.slice(basename(site).length + 1))
      : Number.NaN
    if (Number.isInteger(pid) && !isAlive(pid))
      await rm(resolve(folder, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
