import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, stat, utimes, watch } from 'node:fs/promises'
import { getPriority, setPriority } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { axe, launch } from '../../../test-support/chromium.ts'
import { CHECKOUT, LISTENS, run, SERVER } from '../../../test-support/process.ts'

// Building the site takes most of a minute, and other tests run at the same time.
t.setTimeout(600_000)

const BUILDING = /The guide is being built/
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

t.test('a first start serves a page that waits for the site, and then the site', async (t) => {
  // The files of a killed build.
  await mkdir(join(folder, LEFTOVER))
  const seen = waitUntil(t, folder, (names) => names.includes('site'))
  const { waitForOutput, output } = startNpmStart(t, 'one')
  const url = await waitForOutput(LISTENS)
  for (const path of ['/guide', '/guide/errors/NOT_FOUND']) {
    const response = await fetch(url + path)
    t.equal(response.status, 503, path)
    t.match(await response.text(), BUILDING)
  }

  const isBuilder = (name: string) => name.startsWith('site.') && name !== LEFTOVER
  await waitUntil(t, folder, (names) => names.some(isBuilder) && !names.includes(LEFTOVER))
  for (const pid of await findBuilders(folder)) {
    t.equal(getPriority(pid), 19, 'at the lowest priority')
    // Next to other tests, a build of the lowest priority would take minutes. Only root may raise it again.
    if (process.getuid?.() === 0) setPriority(pid, 0)
  }

  const failed = waitForOutput(/was not built.*/)
  await Promise.race([seen, failed.then((line) => Promise.reject(new Error(line)))])
  await waitUntil(t, folder, (names) => names.every((name) => !name.startsWith('site.')))
  t.same((await readdir(folder)).sort(), ['one', 'site'], 'no incomplete folder is left')
  t.match(await readText(`${url}/guide`), /<h1[^>]*>.*How does an API know/s)
  t.notMatch(output(), /was not built/)

  await t.test('every link in the site leads to a page', checkLinks)
  await t.test('the site works in a browser', (t) => checkInBrowser(t, url))

  await t.test('the type of a problem and the welcome page lead to the site', async (t) => {
    const { type } = (await (await fetch(`${url}/nothing`)).json()) as { type: string }
    t.match(await readText(url + type), /NOT_FOUND: Nothing was found/)
    t.match(await readText(url), 'href="/guide"')
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
  t.match(await readFile(join(site, 'index.html'), 'utf8'), /<h1/)
})

t.test('a service that is not started by `npm start` builds no site', async (t) => {
  const dir = t.testdir({})
  const service = run(t, SERVER, createEnvironment('one', dir))
  const url = await service.waitForOutput(LISTENS)
  t.match(await readText(`${url}/guide`), /npm run docs<\/code> builds it/)
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
    await Promise.all(
      names.map(
        async (name) => [name.replace(/\.html$/, ''), await readFile(join(site, name), 'utf8')] as const,
      ),
    ),
  )
  const isId = (page: string, id: string) => pages.get(page)?.includes(` id="${id}"`)
  let count = 0
  const dead: string[] = []
  for (const [name, html] of pages) {
    for (const [, , link = ''] of html.matchAll(/ (href|src)="([^"]+)"/g)) {
      if (/^(https?|mailto):/.test(link) || IN_SERVICE.test(link)) continue
      count += 1
      const [path = '', anchor] = decodeURIComponent(link).split('#')
      const page = path === '' ? name : path.replace('/guide/', '').replace(/\.html$/, '') || 'index'
      const isThere = pages.has(page) || existsSync(join(site, page))
      if (!isThere || !/^(\/guide\/|$)/.test(path) || (anchor && !isId(page, anchor)))
        dead.push(`${name}: ${link}`)
    }
  }
  t.ok(count > 1000)
  t.same(dead, [])
}

/** The addresses of the service that pages link to. They are relative, so another port or machine makes no difference. */
const IN_SERVICE = /^\/((docs|guide|xray)(#.*)?)?$/

const PAGES = [
  '',
  'chapters/05-creating-users',
  'errors/NOT_FOUND',
  'api/jwt-kit/reference',
  'explanation/tokens',
]

async function checkInBrowser(t: Test, url: string) {
  const browser = await launch('--host-resolver-rules=MAP guide.test 127.0.0.1')
  t.teardown(() => browser.close())

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

    for (const name of PAGES) {
      await page.setViewportSize({ width: 390, height: 844 })
      await page.goto(`${url}/guide/${name}`, { waitUntil: 'networkidle' })
      t.equal(await page.evaluate('document.documentElement.scrollWidth'), 390, `${name}: fits a phone`)
      t.same(await axe(page), [], `${name}, ${colorScheme}: is accessible on a phone`)
      if (name === '') t.same(await page.evaluate(FIND_COVERED), [], 'the picture covers no text')
      await page.setViewportSize({ width: 1280, height: 800 })
      t.same(await page.evaluate(FIND_CUT_OFF), [], `${name}: nothing is cut off on a projector`)
      t.same(await axe(page), [], `${name}, ${colorScheme}: is accessible on a projector`)
    }
    t.same(problems, [], 'no errors, and no requests to other servers')
    await context.close()
  }

  await t.test('the search finds the page about a topic', async (t) => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    await page.goto(`${url}/guide/`, { waitUntil: 'networkidle' })
    await page.click('.DocSearch-Button')
    await page.waitForSelector('#localsearch-input')
    for (const [words, wanted] of Object.entries(WANTED)) {
      const found = await search(page, words)
      t.ok(
        found.slice(0, 5).some((link) => link.startsWith(`${url}/guide/${wanted}`)),
        `${words}: ${found}`,
      )
    }
    t.match(await page.textContent('.results .excerpt'), /\w/, 'with a part of its text')
    await page.fill('#localsearch-input', 'qqqqqq')
    await page.waitForSelector('.no-results')
    t.match(await page.textContent('.no-results'), 'No results for')
  })

  await t.test(
    'code is copied from a page that is loaded over plain HTTP from another machine',
    async (t) => {
      const context = await browser.newContext()
      await context.grantPermissions(['clipboard-read'], { origin: url })
      const page = await context.newPage()
      await page.goto(`${url.replace('127.0.0.1', 'guide.test')}/guide/chapters/05-creating-users`, {
        waitUntil: 'networkidle',
      })
      t.equal(await page.evaluate('navigator.clipboard'), undefined)
      const block = page.locator('.language-sh').first()
      await block.hover()
      await block.locator('.copy').click()
      await block.locator('.copy.copied').waitFor()
      const code = await block.locator('code').textContent()
      // Only a page of a secure origin may read the clipboard.
      await page.goto(`${url}/guide/`)
      t.equal(await page.evaluate('navigator.clipboard.readText()'), code)
    },
  )

  await t.test('without JavaScript, the menu and the page are readable', async (t) => {
    const context = await browser.newContext({
      javaScriptEnabled: false,
      viewport: { width: 390, height: 844 },
    })
    const page = await context.newPage()
    await page.goto(`${url}/guide/chapters/05-creating-users`)
    t.ok(await page.getByRole('link', { name: 'Transactions' }).last().isVisible())
    const heading = await page.getByRole('heading', { level: 1 }).boundingBox()
    t.ok(heading && heading.y < 400, 'the page is above the menu')
  })
}

/** Runs in the page. Returns the code that does not fit into its block. */
const FIND_CUT_OFF = `[...document.querySelectorAll('.vp-doc pre, .vp-doc table')]
  .filter((element) => element.scrollWidth > element.clientWidth + 1)
  .map((element) => element.textContent.slice(0, 80))`

/** Runs in the home page. Returns the texts that its picture covers. */
const FIND_COVERED = `(() => {
  const picture = document.querySelector('.image-src').getBoundingClientRect()
  return [...document.querySelectorAll('.VPNavBarTitle, .VPHero .heading, .VPHero .actions')]
    .filter((element) => {
      const { top, bottom } = element.getBoundingClientRect()
      return top < picture.bottom && picture.top < bottom
    })
    .map((element) => element.textContent.trim())
})()`

const WANTED = {
  'log in': 'chapters/09-verifying-credentials',
  login: 'chapters/09-verifying-credentials',
  'sqlalchemy session': 'chapters/04-database-operations',
  'sign up': 'chapters/05-creating-users',
  salt: 'explanation/passwords',
  kid: 'how-to/rotate-a-key',
  JWT_KIT_EXPIRED: 'errors/JWT_KIT_EXPIRED',
}

/** Searches for words, and returns the addresses of the results. */
async function search(page: Page, words: string): Promise<string[]> {
  await page.fill('#localsearch-input', 'qqqqqq')
  await page.waitForSelector('.no-results')
  await page.fill('#localsearch-input', words)
  await page.waitForSelector('.result')
  return page.$$eval('.result', (links) => links.map((link) => (link as { href: string }).href))
}
