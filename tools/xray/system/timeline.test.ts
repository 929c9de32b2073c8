import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import type { Page } from 'playwright-core'
import t from 'tap'
import { axe, launch } from '../../../test-support/chromium.ts'
import { LISTENS, run, SERVER } from '../../../test-support/process.ts'

const EMAIL = 'maya@example.com'
const PASSWORD = 'tomatoes in june'

const browser = await launch()
const database = await createTestDatabase()
t.teardown(async () => {
  await browser.close()
  await database.drop()
})

const env = {
  DATABASE_URL: database.url,
  JWT_SECRET: 'a secret of the tests, long enough to sign with',
  AUTH_PRIMER_DATA_DIR: t.testdir({}),
  BCRYPT_COST: '10',
}
const service = run(t, SERVER, env)
const url = await service.waitForOutput(LISTENS)

const problems: string[] = []
const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' })
page.on('console', (message) => {
  if (['error', 'warning'].includes(message.type())) problems.push(message.text())
})
page.on('pageerror', (error) => problems.push(String(error)))

const row = (words: string) => page.locator('.request', { hasText: words }).first()
// A request's id may contain the digits of a status.
const findRowByStatus = (status: string) =>
  page.locator('.request', { has: page.locator('.status', { hasText: status }) }).first()
const chosen = () => page.locator('.request[aria-selected=true]').textContent()
const names = () => page.locator('.chart .name').allTextContents()

async function post(path: string, json: object, headers: Record<string, string> = {}): Promise<Response> {
  const body = JSON.stringify(json)
  return fetch(url + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })
}

t.test('X-ray opens from the printed URL, and then from the welcome page and after a reload', async (t) => {
  const address = await service.waitForOutput(/X-ray[^"]*(http[^"]*)/)
  t.match(address, `${url}/xray?key=`)
  t.equal((await page.goto(`${url}/xray`))?.status(), 404, 'a 404 without the key')
  problems.splice(0)
  await page.goto(address)
  await page.waitForSelector('#live.live')
  t.equal(page.url(), `${url}/xray`, 'the key is removed from the URL')
  t.match(await page.textContent('.detail'), 'Nothing yet')
  await page.reload()
  await page.waitForSelector('#live.live')
  await page.goto(url)
  await page.click('a[href="/xray"]')
  await page.waitForSelector('#live.live')
  await page.getByRole('button', { name: 'Clear' }).click()
})

t.test('the timeline immediately shows a login of Swagger UI in another tab', async (t) => {
  await post('/users', { email: EMAIL, password: PASSWORD })
  const docs = await browser.newPage()
  await docs.goto(`${url}/docs`)
  await docs.click('.auth-wrapper .authorize')
  await docs.fill('#oauth_username', EMAIL)
  await docs.fill('#oauth_password', PASSWORD)
  await docs.click('.dialog-ux .modal-btn.authorize')
  await docs.waitForSelector('.dialog-ux button:has-text("Logout")')
  await row('/login').waitFor()
  await docs.close()
  await row('/login').click()
  t.match(await chosen(), '✓ 200')
  // The statements that count failed logins run in parallel, so their order varies.
  const steps = (await names())
    .map((name) => name.trim())
    .filter((name) => !/ (rate_limits|login_networks)$/.test(name))
  t.same(steps, [
    'Body',
    'Validation',
    'SELECT',
    'SELECT users',
    'bcrypt',
    'BEGIN',
    'SELECT users',
    'INSERT refresh_families',
    'DELETE refresh_families',
    'Token signed',
    'Serialized',
    'COMMIT',
    'Sent',
  ])
  const readWidths = (selector: string) =>
    page.locator(selector).evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width))
  const [hash = 0] = await readWidths('.chart .hash .bar')
  t.ok(
    hash > 0 && hash >= Math.max(...(await readWidths('.chart .bar'))),
    'no step took longer than the hash',
  )
  t.notMatch(await page.content(), new RegExp(`${PASSWORD}|eyJ|${EMAIL}`))
})

t.test('a failed request links to its error’s page and chapter', async (t) => {
  await post('/users', { email: EMAIL, password: PASSWORD })
  await findRowByStatus('409').click()
  t.match(await page.textContent('.detail .card'), /EMAIL_TAKEN/)
  t.match(await page.textContent('.chart .rollback'), /EMAIL_TAKEN was thrown/)
  const links = await page
    .locator('.detail .card a')
    .evaluateAll((all) => all.map((a) => a.getAttribute('href') ?? ''))
  t.same(links, ['/guide/errors/EMAIL_TAKEN', '/guide/chapters/05-creating-users/README'])
  for (const link of links) {
    const response = await fetch(url + link)
    // An unread response would keep its connection open, and the service from stopping.
    await response.arrayBuffer()
    t.equal(response.status, 200, link)
  }

  const forged = 'eyJhbGciOiJub25lIiwidHlwIjoiYWNjZXNzK2p3dCJ9.eyJzdWIiOiIxIn0.'
  await fetch(`${url}/users/me`, { headers: { authorization: `Bearer ${forged}` } })
  await findRowByStatus('401').click()
  t.match(await page.textContent('.detail .card'), /JWT_KIT_\w+.*The client only gets TOKEN_INVALID/s)
  t.match(await page.textContent('.chart .token'), /✗ Token.*rejected/s)
})

t.test('the timeline works with the keyboard', async (t) => {
  await page.keyboard.press('Control+Home')
  await page.locator('.requests').focus()
  await page.keyboard.press('Home')
  const first = await chosen()
  await page.keyboard.press('ArrowDown')
  t.not(await chosen(), first)
  await page.keyboard.press('ArrowUp')
  t.equal(await chosen(), first)
  await page.keyboard.press('End')
  t.match(await chosen(), '/users', 'the first request')
  await page.locator('.chart summary').first().focus()
  await page.keyboard.press('Enter')
  t.match(await page.locator('.chart pre').first().textContent(), /INSERT INTO "rate_limits"/, 'the SQL')

  const views = page.locator('nav a')
  await views.nth(1).focus()
  await page.keyboard.press('Enter')
  // The page shows it a moment after the URL has changed.
  await page.locator('#view-token').waitFor()
  t.equal(await views.nth(1).getAttribute('aria-current'), 'page')
  await page.goBack()
  await page.locator('#view-timeline').waitFor()
  t.notOk(await page.isVisible('#view-token'))
})

t.test('the timeline filters, pauses and clears', async (t) => {
  await page.fill('input[type=search]', 'post -login')
  await page.waitForFunction('document.querySelectorAll(".request").length === 2')
  t.match(await page.textContent('.tools [role=status]'), /^2 of \d+ requests$/)
  await page.fill('input[type=search]', '')

  await page.getByRole('button', { name: 'Pause' }).click()
  const before = await page.locator('.request').count()
  for (let n = 0; n < 3; n += 1) await (await fetch(`${url}/health`)).text()
  await page.getByRole('button', { name: 'Go on (3 new)' }).waitFor()
  t.equal(await page.locator('.request').count(), before)
  await page.getByRole('button', { name: /Go on/ }).click()
  t.equal(await page.locator('.request').count(), before + 3)

  await page.getByRole('button', { name: 'Clear' }).click()
  t.equal(await page.locator('.request').count(), 0)
})

for (const colorScheme of ['light', 'dark'] as const) {
  t.test(`the timeline is accessible in the ${colorScheme} color scheme`, async (t) => {
    await page.emulateMedia({ colorScheme })
    await post('/users', { email: 'nobody', password: 'x' })
    await page.goto(`${url}/xray#timeline`)
    await findRowByStatus('422').click()
    t.match(await page.textContent('.detail'), /body\/email must be an email address/)
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 })
      t.same(await axe(page), [], `${width} wide`)
      t.equal(await readWidth(page), width, 'no horizontal overflow')
    }
    await page.setViewportSize({ width: 1280, height: 800 })
    t.equal(await page.evaluate('document.getAnimations().length'), 0, 'no animation')
  })
}

t.test('the page keeps the theme that was chosen', async (t) => {
  await page.emulateMedia({ colorScheme: 'light' })
  const background = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
  const light = await background()
  await page.getByRole('button', { name: 'Dark' }).click()
  const dark = await background()
  t.not(dark, light)
  await page.reload()
  const button = page.getByRole('button', { name: 'Light' })
  await button.waitFor()
  t.equal(await background(), dark)
  await button.click()
  t.equal(await background(), light)
})

t.test(
  'an open page does not delay the shutdown of the service, and reconnects after a restart',
  async (t) => {
    await page.goto(`${url}/xray`)
    await page.waitForSelector('#live.live')
    t.same(problems.splice(0), [], 'the browser has logged no error so far')
    const asked = performance.now()
    service.child.kill('SIGTERM')
    t.equal(await service.waitForExit(), 0)
    const ms = performance.now() - asked
    t.ok(ms < 2_000, `it took ${Math.round(ms)} ms`)
    await page.waitForSelector('#live.disconnected')

    const again = run(t, SERVER, { ...env, PORT: new URL(url).port })
    await again.waitForOutput(LISTENS)
    await page.waitForSelector('#live.live')
    const { headers } = await post('/users', { email: EMAIL, password: PASSWORD })
    // It may be shown before it is complete.
    const detail = page.locator('.detail', { hasText: headers.get('x-request-id') ?? '' })
    await detail.getByText('EMAIL_TAKEN').first().waitFor()
  },
)

function readWidth(page: Page): Promise<unknown> {
  return page.evaluate('document.documentElement.scrollWidth')
}
