import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, utimes, watch } from 'node:fs/promises'
import { getPriority } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { axe, launch } from '../../../test-support/chromium.ts'
import { CHECKOUT, LISTENS, run, SERVER } from '../../../test-support/process.ts'

const BUILDING = /is being built as a site with search/
const BUILD = [
  process.execPath,
  '--import',
  'tsx',
  resolve(CHECKOUT, 'tools/guide/site/build.ts'),
  '--if-older',
]
const folder = t.testdir({})
const site = join(folder, 'site')
const LEFTOVER = 'site.999999999'

t.test('two simultaneous first starts serve plain pages at first, and then the site', async (t) => {
  // The files of a killed build.
  await mkdir(join(folder, LEFTOVER))
  const seen = waitUntil(t, folder, (names) => names.includes('site'))
  const services = [startNpmStart(t, 'one'), startNpmStart(t, 'two')]
  const urls = await Promise.all(services.map(({ waitForOutput }) => waitForOutput(LISTENS)))
  for (const url of urls)
    t.match(await readText(`${url}/guide`), BUILDING, 'the guide states that the site is being built')
  t.match(
    await readText(`${urls[0]}/guide/errors/NOT_FOUND`),
    /<h2>How to fix it<\/h2>/,
    'and errors are explained',
  )

  const isBuilder = (name: string) => name.startsWith('site.') && name !== LEFTOVER
  await waitUntil(t, folder, (names) => names.some(isBuilder) && !names.includes(LEFTOVER))
  for (const pid of await findBuilders(folder)) t.equal(getPriority(pid), 19, 'at the lowest priority')

  const failed = Promise.race(services.map(({ waitForOutput }) => waitForOutput(/was not built.*/)))
  await Promise.race([seen, failed.then((line) => Promise.reject(new Error(line)))])
  await waitUntil(t, folder, (names) => names.every((name) => !name.startsWith('site.')))
  t.same((await readdir(folder)).sort(), ['one', 'site', 'two'], 'no incomplete folder is left')
  for (const url of urls) t.match(await readText(`${url}/guide`), /<h1[^>]*>The guide/)
  for (const { output } of services) t.notMatch(output(), /was not built/)

  await t.test('every link in the site leads to a page', checkLinks)
  await t.test('the site works in a browser', (t) => checkInBrowser(t, urls[0] as string))

  await t.test('the type of a problem and the welcome page lead to the site', async (t) => {
    const { type } = (await (await fetch(`${urls[0]}/nothing`)).json()) as { type: string }
    const page = await fetch(`${urls[0]}${type}`)
    t.equal(page.url, `${urls[0]}/guide/errors/NOT_FOUND.html`)
    t.match(await page.text(), /NOT_FOUND: Nothing was found/)
    t.match(await readText(urls[0] as string), 'href="/guide"')
  })
})

t.test('a service that stops ends its build, and leaves no files of it', async (t) => {
  const dir = t.testdir({})
  const service = startNpmStart(t, 'one', dir)
  await waitUntil(t, dir, (names) => names.some((name) => name.startsWith('site.')))
  await service.waitForOutput(LISTENS)
  const [pid] = await findBuilders(dir)
  service.child.kill('SIGTERM')
  t.equal(await service.waitForExit(), 0)
  t.throws(() => process.kill(pid as number, 0), { code: 'ESRCH' })
  t.same(await readdir(dir), ['one'])
})

t.test('the site is not built if it is up to date, and a killed build does not change it', async (t) => {
  const build = () => run(t, BUILD, { AUTH_PRIMER_SITE_DIR: site }, { isRecorded: false })
  const { mtimeMs } = await stat(join(site, 'index.html'))
  t.equal(await build().waitForExit(), 0)
  t.equal((await stat(join(site, 'index.html'))).mtimeMs, mtimeMs)

  await utimes(join(site, 'index.html'), 0, 0)
  const killed = build()
  await waitUntil(t, folder, (names) => names.includes(`site.${killed.child.pid}`))
  killed.child.kill('SIGKILL')
  await killed.waitForExit()
  t.match(await readFile(join(site, 'index.html'), 'utf8'), /<h1[^>]*>The guide/)
})

t.test('a service that is not started by `npm start` builds no site', async (t) => {
  const dir = t.testdir({})
  const service = run(t, SERVER, createEnvironment('one', dir))
  const url = await service.waitForOutput(LISTENS)
  t.match(await readText(`${url}/guide`), /npm run docs<\/code> builds a site/)
  t.same(await findBuilders(dir), [])
})

function createEnvironment(name: string, dir: string): Record<string, string> {
  return { AUTH_PRIMER_DATA_DIR: join(dir, name), AUTH_PRIMER_SITE_DIR: join(dir, 'site') }
}

/** Starts the process that `npm start` runs after the build. */
function startNpmStart(t: Test, name: string, dir = folder) {
  return run(t, [...SERVER, '--build-guide'], createEnvironment(name, dir), { isRecorded: false })
}

async function readText(url: string): Promise<string> {
  return (await fetch(url, { headers: { accept: 'text/html' } })).text()
}

/** Waits until the names in a folder match. */
async function waitUntil(t: Test, dir: string, isWanted: (names: string[]) => boolean): Promise<void> {
  const end = new AbortController()
  t.teardown(() => end.abort())
  try {
    const changes = watch(dir, { signal: end.signal })
    if (isWanted(await readdir(dir))) return
    for await (const _ of changes) if (isWanted(await readdir(dir))) return
  } catch (error) {
    if (!end.signal.aborted) throw error
  } finally {
    end.abort()
  }
}

/** Returns the ids of the processes that build the site: each names a folder after its id. */
async function findBuilders(dir: string): Promise<number[]> {
  const names = await readdir(dir)
  return names.filter((name) => name.startsWith('site.')).map((name) => Number(name.slice('site.'.length)))
}

async function checkLinks(t: Test) {
  const names = (await readdir(site, { recursive: true })).filter((name) => name.endsWith('.html'))
  const pages = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(site, name), 'utf8')] as const)),
  )
  const listIds = (name: string) =>
    new Set([...(pages.get(name) ?? '').matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  const ids = new Map(names.map((name) => [name, listIds(name)]))
  let count = 0
  const dead: string[] = []
  for (const [name, html] of pages) {
    for (const [, , link = ''] of html.matchAll(/ (href|src)="([^"]+)"/g)) {
      if (/^(https?|mailto):/.test(link)) continue
      count += 1
      const [path = '', anchor] = decodeURIComponent(link).split('#')
      const target = path === '' ? name : join(dirname(name), path.replace(/\?.*/, ''))
      const isThere = existsSync(resolve(site, target)) && !target.startsWith('..')
      if (!isThere || (anchor && target.endsWith('.html') && !ids.get(target)?.has(anchor)))
        dead.push(`${name}: ${link}`)
    }
  }
  t.ok(count > 1000)
  t.same(dead, [])
}

async function checkInBrowser(t: Test, url: string) {
  const browser = await launch()
  t.teardown(() => browser.close())
  const pages = [
    'index',
    'chapters/05-creating-users',
    'errors/NOT_FOUND',
    'api/jwt-kit/JwtKitError',
    'explanation/tokens',
  ]

  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 390, height: 844 } })
    const page = await context.newPage()
    const problems: string[] = []
    // A violation of the policy is reported here, too.
    page.on('console', (message) => problems.push(message.text()))
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('request', (request) => {
      if (!request.url().startsWith(`${url}/guide`)) problems.push(request.url())
    })
    page.on('response', (response) => {
      if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`)
    })

    for (const name of pages) {
      await page.goto(`${url}/guide/${name}`)
      await page.waitForSelector('#tsd-nav-container details', { state: 'attached' })
      const width = await page.evaluate('document.documentElement.scrollWidth')
      t.equal(width, 390, `${name}, ${colorScheme}: fits a phone`)
      t.same(await axe(page), [], `${name}, ${colorScheme}: is accessible`)
      await page.setViewportSize({ width: 1280, height: 900 })
      t.same(await axe(page), [], `${name}, ${colorScheme}: is accessible on a wide screen`)
      await page.setViewportSize({ width: 390, height: 844 })
    }
    await page.click('#tsd-search-trigger')
    for (const [word, wanted] of Object.entries(WANTED)) {
      const found = await search(page, word)
      for (const name of wanted) t.ok(found.slice(0, 3).includes(`${url}/guide/${name}`), `${word}: ${found}`)
    }
    t.same(await axe(page), [], `search, ${colorScheme}: is accessible`)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${url}/guide/**/*.html`)
    t.same(problems, [], 'no errors, and no requests to other servers')
    await context.close()
  }
}

/** Searches for a word, and returns the results. */
const WANTED = {
  salt: ['explanation/passwords.html'],
  kid: ['how-to/rotate-a-key.html', 'api/jwt-kit/KeyEntry.html#kid'],
  transaction: ['explanation/transactions.html'],
}

async function search(page: Page, word: string): Promise<string[]> {
  // The list is filled again after a moment. A marker in the old list shows when that has happened.
  await page.evaluate(
    "document.querySelector('#tsd-search-results').replaceChildren(document.createElement('li'))",
  )
  await page.fill('#tsd-search-input', word)
  await page.waitForSelector('#tsd-search-results a[data-href]')
  return page.$$eval('#tsd-search-results a', (links) => links.map((link) => link.dataset.href ?? ''))
}
