// `npm run docs:screenshots` takes the screenshots of the chapters and of the README from a running service, with Debian's chromium.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { DEMO_PASSWORD, DEMO_USERS } from '../../examples/social-api/src/demo/data.ts'
import { launch } from '../../test-support/chromium.ts'
import { startProgram, TYPESCRIPT } from '../check/program.ts'

const FOLDER = fileURLToPath(new URL('../screenshots/', import.meta.url))
const SERVER = fileURLToPath(new URL('../../examples/social-api/src/server.ts', import.meta.url))
const EMAIL = DEMO_USERS[0]?.email ?? ''

/** Narrow, so the text stays readable on a phone. */
const SIZE = { width: 720, height: 640 }

/** The README shows it in two thirds of this width. */
const README_SIZE = { width: 1280, height: 760 }

const dataDir = await mkdtemp(join(tmpdir(), 'screenshots-'))
const server = await startProgram([...TYPESCRIPT, SERVER], {
  env: { AUTH_PRIMER_DATA_DIR: dataDir, DATABASE_URL: undefined, PORT: '0' },
})
const browser = await launch()
try {
  await mkdir(FOLDER, { recursive: true })
  const [, xray = ''] = await server.waitForOutput(/(http:\S+\/xray\?key=[\w-]+)/, 120_000)
  const url = new URL(xray).origin
  const page = await browser.newPage({ viewport: SIZE })

  await page.goto(`${url}/docs`)
  await page.waitForSelector('.opblock')
  await save(page, '01-swagger-ui')

  await page.click('.auth-wrapper .authorize')
  await page.fill('#oauth_username', EMAIL)
  await save(page, '09-authorize')

  await page.goto(xray)
  const token = await logIn(url)
  await send(url, token, 'POST', '/posts', { title: 'One session', content: 'BEGIN to COMMIT' })
  await send(url, token, 'GET', '/users/me')
  await send(url, token, 'POST', '/vote', { post_id: 4, dir: 1 })
  await send(url, token, 'POST', '/vote', { post_id: 4, dir: 1 })
  await page.locator('.request', { hasText: '/vote' }).nth(1).waitFor()
  await saveRequest(page, 'POST /posts', '04-session')
  await saveRequest(page, 'GET /users/me', '06-token')
  await saveRequest(page, 'POST /vote', '12-vote-again')

  await page.setViewportSize(README_SIZE)
  await page.locator('.request', { hasText: '/posts' }).first().click()
  await save(page, 'xray')
  await page.setViewportSize(SIZE)

  await page.goto(`${url}/xray#actions`)
  for (const name of ['Sign up', 'Log in']) {
    const form = page.locator('form', { has: page.getByRole('heading', { name, exact: true }) })
    await form.getByRole('button', { name, exact: true }).click()
    await form
      .getByRole('status')
      .filter({ hasText: /20[01]/ })
      .waitFor()
  }
  await page.goto(`${url}/xray#token`)
  await page.locator('#view-token h2').first().waitFor()
  await save(page, '07-token')
  await page.getByRole('heading', { name: 'Break it, and send it to the service' }).evaluate((element) => {
    element.scrollIntoView()
  })
  await save(page, '08-break-it')
} finally {
  await browser.close()
  await server.end()
  await rm(dataDir, { recursive: true, force: true })
}

function save(page: Page, name: string): Promise<Buffer> {
  return page.screenshot({ path: join(FOLDER, `${name}.png`) })
}

/** Opens a request in the timeline of X-ray, and shows it from its heading. */
async function saveRequest(page: Page, request: string, name: string): Promise<void> {
  await page.locator('.request', { hasText: request }).first().click()
  await page
    .locator('#view-timeline .head h3', { hasText: request })
    .evaluate((element) => element.scrollIntoView())
  await save(page, name)
}

async function logIn(url: string): Promise<string> {
  const body = new URLSearchParams({ username: EMAIL, password: DEMO_PASSWORD })
  const response = await fetch(`${url}/login`, { method: 'POST', body })
  return ((await response.json()) as { access_token: string }).access_token
}

async function send(url: string, token: string, method: string, path: string, json?: object): Promise<void> {
  await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(json && { 'content-type': 'application/json' }) },
    ...(json && { body: JSON.stringify(json) }),
  })
}
