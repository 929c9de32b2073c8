import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { axe, launch } from '../../../test-support/chromium.ts'
import { serve } from '../../../test-support/social-api.ts'
import { DEMO_PASSWORD } from '../src/demo/data.ts'
import { seed } from '../src/demo/seed.ts'

/** The operations in the order of the course. */
const COURSE = [
  'createUser',
  'getMe',
  'changePassword',
  'getUser',
  'login',
  'refreshToken',
  'logout',
  'listPosts',
  'createPost',
  'getPost',
  'replacePost',
  'deletePost',
  'vote',
  'getRoot',
  'getHealth',
  'getReady',
]

// Browsers do not treat this host name as local, so plain HTTP is not a secure context, as in a class.
const browser = await launch('--host-resolver-rules=MAP class.test 127.0.0.1')
t.teardown(() => browser.close())

for (const host of ['127.0.0.1', 'class.test']) {
  t.test(`Swagger UI works in a browser on http://${host}`, async (t) => {
    const { app, url } = await serve(t, { hasDemoData: true })
    await seed(app.knex)
    const origin = `http://${host}:${new URL(url).port}`
    const { page, problems } = await open(t, browser)

    await t.test('the welcome page links to Swagger UI', async (t) => {
      await page.goto(origin)
      t.match(await page.textContent('main'), /Welcome to social-api/, 'the message of GET /')
      await page.click(`button[data-copy="${DEMO_PASSWORD}"]`)
      await page.waitForSelector('button:has-text("Copied")')
      await page.click('header a[href="/docs"]')
      await page.waitForSelector('.opblock')
      t.equal(page.url(), `${origin}/docs`)
      t.equal(await page.evaluate('window.isSecureContext'), host === '127.0.0.1')
      t.equal(await page.textContent('header [aria-current]'), 'API')
    })

    await t.test('Swagger UI shows every operation, in the order of the course', async (t) => {
      const shown = await page.$$eval('.opblock', (blocks) => blocks.map(({ id }) => id.split('-').at(-1)))
      t.same(shown, COURSE)
      const { paths } = (await app.inject('/openapi.json')).json()
      const all = Object.values<object>(paths).flatMap((methods) => Object.values(methods))
      t.same(shown.toSorted(), all.map(({ operationId }) => operationId).toSorted())
    })

    await t.test('the copied password is in the clipboard', async (t) => {
      await page.click('.auth-wrapper .authorize')
      await page.focus('#oauth_password')
      await page.keyboard.press('Control+V')
      t.equal(await page.inputValue('#oauth_password'), DEMO_PASSWORD)
      await page.click('.dialog-ux .btn-done')
    })

    await t.test('the form of the login is filled with a demo user who can log in', async (t) => {
      t.equal((await run(page, 'login')).status, '200')
      const values = page.locator('[id$="-login"] .opblock-section-request-body input')
      t.same(
        await values.evaluateAll((fields) =>
          fields.map((one) => (one as unknown as { value: string }).value),
        ),
        ['maya@example.com', DEMO_PASSWORD],
      )
      await values.last().fill('not her password')
      t.same(await run(page, 'login'), { status: '403', body: 'INVALID_CREDENTIALS' })
      t.match(await page.getAttribute('.live-problem a', 'href'), '/guide/errors/INVALID_CREDENTIALS')
      t.match(problems.splice(0), [/status of 403/])
      await page.click('[id$="-login"] .opblock-summary')
    })

    await t.test('Swagger UI shows the service’s message for a wrong password', async (t) => {
      await logIn(page, 'not her password')
      await page.waitForSelector('.dialog-ux .errors')
      t.notOk(await page.isVisible('#client_id_password'), 'no field for a client')
      t.match(await page.locator('.dialog-ux .errors').allTextContents(), [/Invalid Credentials/])
      t.notMatch(await page.textContent('.dialog-ux .errors'), /Forbidden/)
      t.equal(await page.locator('.dialog-ux button:has-text("Logout")').count(), 0)
      await page.click('.dialog-ux .btn-done')
      t.same(await run(page, 'listPosts'), { status: '401', body: 'NOT_AUTHENTICATED' })
      // Chromium itself logs each response from 400 up.
      t.match(problems.splice(0).sort(), [/status of 401/, /status of 403/])
    })

    await t.test('Swagger UI logs in, and runs an operation with the token', async (t) => {
      await logIn(page, DEMO_PASSWORD)
      await page.waitForSelector('.dialog-ux button:has-text("Logout")')
      await page.click('.dialog-ux .btn-done')
      t.same(await run(page, 'listPosts'), { status: '200', body: 'Tomatoes on a north-facing balcony' })
    })

    await t.test(
      'after a reload, Swagger UI still has the token, and opens the operation in the URL',
      async (t) => {
        t.match(page.url(), /#\/Posts\/listPosts$/, 'a deep link')
        await page.reload()
        await page.waitForSelector('#operations-Posts-listPosts.is-open')
        t.equal(await page.locator('.opblock.is-open').count(), 1)
        t.same(await run(page, 'listPosts'), { status: '200', body: 'Tomatoes on a north-facing balcony' })
      },
    )

    await t.test('Swagger UI stores neither the password nor the refresh token', async (t) => {
      const kept = await page.evaluate('JSON.stringify(localStorage)')
      t.match(kept, /access_token/)
      for (const secret of [DEMO_PASSWORD, 'refresh_token']) t.notOk(String(kept).includes(secret), secret)
    })

    await t.test('Swagger UI deletes the token at a logout', async (t) => {
      await page.click('.auth-wrapper .authorize')
      await page.click('.dialog-ux button:has-text("Logout")')
      await page.click('.dialog-ux .btn-done')
      t.same(await run(page, 'listPosts'), { status: '401', body: 'NOT_AUTHENTICATED' })
      t.match(problems.splice(0), [/status of 401/])
    })

    t.same(problems, [], 'the browser logged no other error')
  })
}

t.test('Swagger UI fits the width of a phone', async (t) => {
  const { url } = await serve(t)
  const measurePageWidth = async (prepare?: (page: Page) => Promise<unknown>) => {
    const page = await browser.newPage({
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    })
    t.teardown(() => page.close())
    await prepare?.(page)
    await page.goto(`${url}/docs#/Posts/listPosts`)
    await page.waitForSelector('#operations-Posts-listPosts.is-open .execute')
    return page.evaluate('document.documentElement.scrollWidth')
  }
  t.equal(await measurePageWidth(), 390)
  const withoutViewport = (page: Page) =>
    page.route('**/docs', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, body: (await response.text()).replace('name="viewport"', '') })
    })
  t.not(await measurePageWidth(withoutViewport), 390, 'not without the viewport')
})

t.test('no operation of Swagger UI is taller than two screens, and axe finds nothing serious', async (t) => {
  const { url } = await serve(t)
  const { page } = await open(t, browser)
  const openOperation = async (name: string) => {
    await page.goto(url)
    await page.goto(`${url}/docs#/${name}`)
    await page.waitForSelector('.is-open .execute')
    return page.$eval('.is-open', ({ clientHeight }) => clientHeight)
  }
  await page.goto(`${url}/docs`)
  await page.waitForSelector('.opblock')
  for (const summary of await page.locator('.opblock-summary-control').all()) await summary.click()
  await page
    .locator('.execute')
    .nth(COURSE.length - 1)
    .waitFor()
  const heights = await page.$$eval('.opblock', (blocks) => blocks.map(({ clientHeight }) => clientHeight))
  t.ok(Math.max(...heights) < 1600, `${heights} pixels`)
  t.match(await page.textContent('[data-param-name="limit"]'), /maximum: 100/)

  await openOperation('Votes/vote')
  const body = page.locator('.is-open .opblock-section-request-body')
  await body.getByText('Schema', { exact: true }).click()
  await body.getByText('dir', { exact: true }).waitFor()
  t.match(await body.innerText(), /dir.*integer\[0, 1\]/)

  await openOperation('Posts/replacePost')
  const common = page.locator('.common-problems')
  t.match(await common.locator('a').first().getAttribute('href'), /^\/guide\/errors\/[A-Z_]+$/)
  t.notMatch(await common.textContent(), /NOT_OWNER/, 'not its own problem')
  t.match(await page.textContent('.responses-table'), /NOT_OWNER/)
  t.same(await axe(page), [])
  await page.goto(url)
  t.same(await axe(page), [], 'the welcome page')
  await openOperation('Posts/replacePost')
  await page.click('.site-theme')
  t.equal(await page.evaluate('document.documentElement.className'), 'dark dark-mode')
  t.same(await axe(page), [])
  await page.goto(url)
  t.equal(await page.evaluate('document.documentElement.className'), 'dark', 'the theme is kept')
  t.same(await axe(page), [])

  await page.route('**/page.js*', async (route) => {
    const response = await route.fetch()
    await route.fulfill({
      response,
      body: (await response.text()).replace('plugins: [shortenErrors', 'plugins: ['),
    })
  })
  const height = await openOperation('Users/createUser')
  t.ok(height > 1600, `without the plugin, ${height} pixels`)
  t.ok((await axe(page)).some((found) => found.startsWith('nested-interactive')))
})

t.test('a browser gets a page with the header for an error', async (t) => {
  const { url } = await serve(t)
  const { page, problems } = await open(t, browser)
  for (const [path, status, text] of [
    ['/nothing', 404, 'There is no route GET /nothing.'],
    ['/guide/no/such/page', 503, 'The guide is not built'],
    ['/redoc', 404, 'This service has no ReDoc.'],
    ['/xray', 404, 'X-ray opens only on the computer that runs the service.'],
    ['/posts', 401, 'Log in with Authorize in Swagger UI'],
  ] as const) {
    const response = await page.goto(url + path)
    t.equal(response?.status(), status, path)
    t.match(await page.textContent('main'), text, path)
    t.same(await axe(page), [], path)
  }
  await page.click('header a[href="/guide"]')
  t.match(await page.title(), /\S/)
  t.same(
    problems.filter((text) => !/status of (40[14]|503)/.test(text)),
    [],
  )
})

/** Opens a page, and collects the errors and failed requests that the browser reports. */
async function open(t: Test, browser: Browser): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  t.teardown(() => page.close())
  const problems: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`))
  return { page, problems }
}

async function logIn(page: Page, password: string): Promise<void> {
  await page.click('.auth-wrapper .authorize')
  await page.fill('#oauth_username', 'maya@example.com')
  await page.fill('#oauth_password', password)
  const loggedIn = page.waitForResponse((response) => response.url().endsWith('/login'))
  await page.press('#oauth_password', 'Enter')
  await loggedIn
}

/** Executes an operation, and returns its response. */
async function run(page: Page, operationId: string): Promise<{ status: string; body: string }> {
  const block = page.locator(`.opblock[id$="-${operationId}"]`)
  if (!(await block.getAttribute('class'))?.includes('is-open'))
    await block.locator('.opblock-summary').click()
  // Clears an earlier response, so that the new one is read.
  const clear = block.locator('.btn-clear')
  if ((await clear.count()) > 0) await clear.click()
  await block.locator('.execute').click()
  const live = block.locator('.live-responses-table')
  const body = live.locator('.response-col_description .microlight').first()
  await body.waitFor()
  const text = (await body.textContent()) ?? ''
  const [, known = text] = /"code": "([^"]+)"/.exec(text) ?? /"title": "([^"]+)"/.exec(text) ?? []
  return {
    status: (await live.locator('.response-col_status').last().textContent())?.trim() ?? '',
    body: known,
  }
}
