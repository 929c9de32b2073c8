import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { launch } from '../../../test-support/chromium.ts'
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
      t.match(await page.textContent('body'), DEMO_PASSWORD, 'the demo login')
      await page.click('a[href="/docs"]')
      await page.waitForSelector('.opblock')
      t.equal(page.url(), `${origin}/docs`)
      t.equal(await page.evaluate('window.isSecureContext'), host === '127.0.0.1')
    })

    await t.test('Swagger UI shows every operation, in the order of the course', async (t) => {
      const shown = await page.$$eval('.opblock', (blocks) => blocks.map(({ id }) => id.split('-').at(-1)))
      t.same(shown, COURSE)
      const { paths } = (await app.inject('/openapi.json')).json()
      const all = Object.values<object>(paths).flatMap((methods) => Object.values(methods))
      t.same(shown.toSorted(), all.map(({ operationId }) => operationId).toSorted())
    })

    await t.test('Swagger UI shows an error for a wrong password', async (t) => {
      await logIn(page, 'not her password')
      await page.waitForSelector('.dialog-ux .errors')
      t.notOk(await page.isVisible('#client_id_password'), 'no field for a client')
      t.match(await page.textContent('.dialog-ux .errors'), /Forbidden|Wrong/)
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
  const withoutScript = (page: Page) => page.route('**/theme/*.js', (route) => route.abort())
  t.not(await measurePageWidth(withoutScript), 390, 'not without the script')
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
  await page.click('.dialog-ux .modal-btn.authorize')
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
  const [, known = text] =
    /"(?:code|title)": "([^"]+)"/.exec(text.replace(/"title": "Unauthorized",?/, '')) ?? []
  return {
    status: (await live.locator('.response-col_status').last().textContent())?.trim() ?? '',
    body: known,
  }
}
