import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, resolve } from 'node:path'
import t from 'tap'
import { launch } from '../../../test-support/chromium.ts'
import { CHECKOUT, run } from '../../../test-support/process.ts'
import { findFile } from '../src/index.ts'

const BASE = '/auth-primer/'
const TIMEOUT_MS = 120_000
const TYPES: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
}

t.test('with GUIDE_BASE, a static host can serve the site below a path', async (t) => {
  const dir = join(t.testdir({}), 'site')
  const command = [process.execPath, '--import', 'tsx', resolve(CHECKOUT, 'tools/guide/site/build.ts')]
  const build = run(t, command, { GUIDE_BASE: BASE, AUTH_PRIMER_SITE_DIR: dir }, { isRecorded: false })
  t.equal(await build.waitForExit(), 0)

  // Serves files as GitHub Pages does.
  const missing: string[] = []
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://host')
    const file = pathname.startsWith(BASE) && (await findFile(dir, decodeURI(pathname.slice(BASE.length))))
    if (!file) missing.push(pathname)
    response.writeHead(file ? 200 : 404, {
      'content-type': TYPES[extname(file || '404.html')] ?? 'text/plain',
    })
    response.end(await readFile(join(dir, file || '404.html')))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const browser = await launch()
  t.teardown(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(TIMEOUT_MS)
  const problems: string[] = []
  // A violation of the policy is reported here, too.
  page.on('console', (message) => problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(String(error)))

  await page.goto(origin + BASE, { waitUntil: 'networkidle' })
  t.match(await page.content(), '<meta http-equiv="Content-Security-Policy" content="default-src')
  await page.getByRole('link', { name: 'Start with chapter 01' }).click()
  await page.getByRole('heading', { level: 1, name: '01' }).waitFor()
  t.equal(page.url(), `${origin}${BASE}chapters/01-running-the-server`)
  t.equal(await page.getByRole('link', { name: 'X-ray', exact: true }).count(), 0, 'no link to a service')

  await page.click('.DocSearch-Button')
  await page.fill('#localsearch-input', 'log in')
  await page.locator('.result').first().click()
  await page.getByRole('heading', { level: 1, name: '09' }).waitFor()
  const file = await page.locator('.block-name a').first().getAttribute('href')
  t.match(await (await fetch(origin + file)).text(), 'import')
  t.same(problems, [])
  t.same(missing, [], 'every link and every file is below the base')

  await page.goto(`${origin}/chapters/01-running-the-server`)
  t.match(await page.title(), '404', 'a page that is not below the base does not exist')
  t.match(missing, ['/chapters/01-running-the-server'])
})
