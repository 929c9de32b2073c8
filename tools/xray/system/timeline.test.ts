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
  const top = async (selector: string) => (await page.locator(selector).boundingBox())?.y
  t.equal(await top('.detail .card'), await top('.requests'), 'both parts begin at the same height')
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
    'SELECT lower($1) AS account',
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
  const isCut = await page
    .locator('.chart .name')
    .evaluateAll((all) => all.map((one) => one.scrollWidth > one.clientWidth + 1))
  t.notOk(isCut.includes(true), 'no name is cut off')
  const readWidths = (selector: string) =>
    page.locator(selector).evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width))
  const [hash = 0] = await readWidths('.chart .hash .bar')
  t.ok(
    hash > 0 && hash >= Math.max(...(await readWidths('.chart .bar'))),
    'no step took longer than the hash',
  )
  t.notMatch(await page.content(), new RegExp(`${PASSWORD}|eyJ|${EMAIL}`))
})

t.test('the timeline lists the requests for pages and their files only if asked', async (t) => {
  const pages = page.getByLabel('Pages')
  t.equal(
    await page.locator('.request', { hasText: '/docs' }).count(),
    0,
    'another tab has loaded Swagger UI',
  )
  t.match(await page.locator('label', { has: pages }).textContent(), /Pages \(\d+\)/)
  await pages.check()
  t.ok((await page.locator('.request', { hasText: '/docs' }).count()) > 5)
  await pages.uncheck()
  t.equal(await page.locator('.request', { hasText: '/docs' }).count(), 0)
  t.ok((await page.locator('.request').count()) > 0)
})

t.test('the timeline shows SQL without a click, until it is hidden', async (t) => {
  const statement = page.locator('.chart .sql', { hasText: 'insert into "refresh_families"' })
  t.ok(await statement.isVisible())
  t.match(await statement.textContent(), /^insert into .*\nvalues \(\$1/, 'a line for each clause')
  await page.getByLabel('SQL').uncheck()
  t.notOk(await statement.isVisible())
  await page.reload()
  await row('/login').click()
  await page.locator('.chart').first().waitFor()
  t.notOk(await statement.isVisible(), 'it stays hidden')
  await page.getByLabel('SQL').check()
  t.ok(await statement.isVisible())
})

t.test(
  'Tables marks the rows that the selected request inserted, and a request has its user’s name',
  async (t) => {
    const response = await fetch(`${url}/login`, {
      method: 'POST',
      body: new URLSearchParams({ username: EMAIL, password: PASSWORD }),
    })
    const { access_token } = (await response.json()) as { access_token: string }
    const authorization = `Bearer ${access_token}`
    await post('/posts', { title: 'A title', content: 'A text' }, { authorization })
    await row('/posts').click()
    t.match(await row('/posts').textContent(), `user 1, ${EMAIL}`)
    await page.getByRole('link', { name: 'See the rows' }).click()
    const marked = page.locator('.rows tr:has(.change):not(:has(.change:empty))')
    await marked.first().waitFor()
    t.match(await marked.allTextContents(), [/^\+ new1A titleA text/])
    t.equal(await page.locator('.rows').first().locator('tbody tr').count(), 1, 'one user')
    t.match(await page.locator('.rows').first().textContent(), /\$2b\$10\$.{6}…/)
    t.notMatch(await page.textContent('#view-tables'), /\$2b\$\d\d\$[./\w]{7}/, 'no more of a hash')

    await page.getByRole('button', { name: 'Newest request' }).click()
    await post('/posts', { title: '' }, { authorization })
    await page.locator('#view-tables', { hasText: 'changed no row of these tables' }).waitFor()
    t.equal(await marked.count(), 0, 'the newest request has failed')
    t.notOk(
      await page.getByRole('button', { name: /Reset/ }).count(),
      'this database is not the embedded one',
    )
    t.same(await axe(page), [])
    await page.goBack()
  },
)

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
  t.equal(await chosen(), await page.locator('.request').last().textContent(), 'the first request')
  await row('POST /users').click()
  await page.locator('.chart summary').first().focus()
  await page.keyboard.press('Enter')
  t.notOk(await page.locator('.chart .sql').first().isVisible(), 'the SQL of this statement is hidden')

  const views = page.locator('.views nav a')
  await views.nth(1).focus()
  await page.keyboard.press('Enter')
  // The page shows it a moment after the URL has changed.
  await page.locator('#view-tables').waitFor()
  t.equal(await views.nth(1).getAttribute('aria-current'), 'page')
  await page.goBack()
  await page.locator('#view-timeline').waitFor()
  t.notOk(await page.isVisible('#view-tables'))
})

t.test('the timeline filters, pauses and clears', async (t) => {
  await page.fill('input[type=search]', 'post -login')
  while ((await page.locator('.request').count()) !== 4) await page.waitForTimeout(20)
  t.match(await page.textContent('.tools [role=status]'), /^4 of \d+ requests$/)
  await page.fill('input[type=search]', '')

  await page.getByRole('button', { name: 'Pause' }).click()
  const before = await page.locator('.request').count()
  for (let n = 0; n < 3; n += 1) await (await fetch(`${url}/health`)).text()
  await page.getByRole('button', { name: 'Go on (3 new)' }).waitFor()
  t.equal(await page.locator('.request').count(), before)
  await page.fill('input[type=search]', 'get')
  await page.fill('input[type=search]', '')
  t.equal(await page.locator('.request').count(), before, 'typing does not let them in')
  await page.getByRole('button', { name: 'Go on (3 new)' }).waitFor()
  await page.getByRole('button', { name: /Go on/ }).click()
  t.equal(await page.locator('.request').count(), before + 3)

  await page.getByRole('button', { name: 'Clear' }).click()
  t.equal(await page.locator('.request').count(), 0)
})

t.test('the timeline says how many of many requests it keeps', async (t) => {
  for (let n = 0; n < 230; n += 1) await (await fetch(`${url}/health`)).text()
  await page.locator('.tools', { hasText: '200 of 230 requests kept' }).waitFor()
  t.equal(await page.locator('.request').count(), 200)
  await page.getByRole('button', { name: 'Clear' }).click()
})

t.test('the chart has a legend, in which each color has its name', async (t) => {
  await post('/users', { email: EMAIL, password: PASSWORD })
  await row('/users').click()
  const colors = page.getByRole('list', { name: 'Colors' }).locator('li')
  t.ok((await colors.allTextContents()).every((text) => text.length > 4))
  const read = (selector: string) =>
    page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).backgroundColor`)
  t.equal(await read('.colors .hash .bar'), await read('ol .hash .bar'))
  t.not(await read('.colors .hash .bar'), await read('.colors .query .bar'))
})

t.test('without JavaScript, the page says what it needs, and has no control that does nothing', async (t) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  t.teardown(() => context.close())
  const plain = await context.newPage()
  await plain.goto(await service.waitForOutput(/X-ray[^"]*(http[^"]*)/))
  t.match(await plain.locator('main').innerText(), /^X-ray needs JavaScript[^\n]*$/)
  t.equal(await plain.locator('button:visible, .views:visible').count(), 0)
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

t.test('the page has the theme that was chosen on any page', async (t) => {
  await page.emulateMedia({ colorScheme: 'light' })
  await page.locator('html.light').waitFor()
  const background = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
  const light = await background()
  await page.getByRole('switch', { name: 'Dark theme' }).click()
  const dark = await background()
  t.not(dark, light)
  t.equal(await page.evaluate(`localStorage.getItem('vitepress-theme-appearance')`), 'dark')
  await page.reload()
  await page.waitForSelector('#live.live')
  t.equal(await background(), dark)
  await page.getByRole('switch', { name: 'Dark theme' }).click()
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
