import { existsSync, rmSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { CHECKOUT, readSitePages, readSources } from './pages.ts'
import { writePage, writeProject } from './project.ts'

// `npm run docs`: builds the site in a folder next to it, and then moves it to its place.
// `npm run docs:dev`: serves it instead, and updates the browser when a page is saved.
if (existsSync('.env')) process.loadEnvFile()
const site = resolve(process.env.AUTH_PRIMER_SITE_DIR || resolve(CHECKOUT, 'site'))
/** Gets the built site, and the earlier one when it is replaced. It is next to them, so both can be renamed. */
const place = `${site}.${process.pid}`
const built = resolve(place, 'site')
/** VitePress's project. Its name begins with a dot, so other tools skip it. */
const work = resolve(import.meta.dirname, `../.work.${process.pid}`)

if (process.argv.includes('--dev')) await serve()
else await build()

async function build(): Promise<void> {
  try {
    await removeLeftovers()
    if (process.argv.includes('--if-older') && (await isNewerThanItsSources())) return
    await mkdir(place)
    await writeProject(work)
    process.env.NODE_ENV = 'production'
    const vitepress = await import('vitepress')
    await vitepress.build(work, { outDir: built })
    await putInPlace()
    console.log(`The site is in ${site}`)
  } catch (error) {
    console.error(`The site was not built: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  } finally {
    for (const folder of [place, work])
      await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}

async function serve(): Promise<void> {
  await removeLeftovers()
  process.once('exit', () => rmSync(work, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit())
  console.log('Preparing the guide …')
  const pages = await writeProject(work)
  const { createServer } = await import('vitepress')
  const server = await createServer(work)
  await server.listen()
  // VitePress's own lines about it are left out, like everything else below a warning.
  console.log(`The guide is at ${server.resolvedUrls?.local[0]}`)
  const sources = new Set(pages.map(({ path }) => path))
  server.watcher.add([...sources]).on('all', async (_event, path) => {
    if (!sources.has(path)) return
    for (const page of await readSitePages()) if (page.path === path) await writePage(page, work)
  })
}

/** Moves the built site to its place, also if another build does the same. */
async function putInPlace(): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    try {
      return await rename(built, site)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (turn === 10 || !['ENOTEMPTY', 'EEXIST'].includes(code)) throw error
      await rename(site, resolve(place, `old-${turn}`)).catch(() => undefined)
    }
  }
}

async function isNewerThanItsSources(): Promise<boolean> {
  const readTime = async (path: string) => (await stat(path)).mtimeMs
  const time = await readTime(resolve(site, 'index.html')).catch(() => 0)
  const sources = await Promise.all((await readSources()).map(readTime))
  return sources.every((source) => source < time)
}

/** Removes the folders of builds that were killed: each has the id of its process in its name. */
async function removeLeftovers(): Promise<void> {
  for (const prefix of [`${site}.`, resolve(import.meta.dirname, '../.work.')]) {
    const folder = dirname(prefix)
    for (const name of await readdir(folder)) {
      const pid = name.startsWith(basename(prefix)) ? Number(name.slice(basename(prefix).length)) : Number.NaN
      if (Number.isInteger(pid) && !isAlive(pid))
        await rm(resolve(folder, name), { recursive: true, force: true })
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
