import { randomBytes } from 'node:crypto'
import t from 'tap'
import { openDatabase } from '../../../docs/check/database.ts'
import { buildApp } from '../../../docs/how-to/x-ray/app.ts'
import { axe, launch } from '../../../test-support/chromium.ts'

const browser = await launch()
t.teardown(() => browser.close())
const { knex } = await openDatabase(t, new URL('../../../docs/how-to/x-ray/users.sql', import.meta.url))
const [secret, xrayKey] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')]
const app = await buildApp(knex, { secret, xrayKey })
t.teardown(() => app.close())
const url = await app.listen({ host: '127.0.0.1', port: 0 })

t.test('the page works in the service of the how-to page', async (t) => {
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(`${url}/xray?key=${xrayKey}`)
  await page.waitForSelector('#live.live')
  t.same(await page.locator('.views nav a').allTextContents(), [
    ...['Timeline', 'Tables', 'Token', 'Hash', 'Session', 'Actions'],
  ])
  await page.goto(`${url}/xray#token`)
  await page.getByRole('button', { name: 'Sign up a new user, and log in' }).click()
  await page.getByRole('button', { name: 'Set alg to none' }).click()
  await page.locator('#view-token .results', { hasText: 'JWT_KIT_ALGORITHM' }).waitFor()
  t.equal(await page.getByRole('button', { name: 'Expire it' }).count(), 0, 'the service has no token bench')

  await page.goto(`${url}/xray#timeline`)
  await page.locator('.request', { hasText: 'POST /users' }).click()
  await page.getByRole('link', { name: 'See the rows' }).click()
  await page.locator('.rows .is-inserted').waitFor()
  t.same(await axe(page), [])
  t.same(errors, [])
})
