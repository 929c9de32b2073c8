import type { Page } from 'playwright-core'
import t from 'tap'
import { axe, launch } from '../../../test-support/chromium.ts'
import { KEY, serveXray } from '../test/setup.ts'

const browser = await launch()
t.teardown(() => browser.close())

// At the end of the tests, all of its responses are searched for passwords, hashes and tokens of other users.
const { app, url } = await serveXray(t, { hasDemoData: true })
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
const complaints: string[] = []
page.on('pageerror', (error) => complaints.push(String(error)))
page.on('console', (message) => {
  // Chromium itself logs each response from 400 up, which the benches cause on purpose.
  const isOfStatus = /the server responded with a status of/.test(message.text())
  if (['error', 'warning'].includes(message.type()) && !isOfStatus) complaints.push(message.text())
})

t.test('a reset asks first, and then stores the demo data, whose users can log in', async (t) => {
  await page.goto(`${url}/xray?key=${KEY}#tables`)
  const reset = page.getByRole('button', { name: 'Reset the data' })
  await reset.click()
  await page.getByRole('button', { name: 'Cancel' }).click()
  t.same(await app.knex('users').count(), [{ count: '0' }], 'after Cancel, nothing has changed')
  await reset.click()
  t.same(await axe(page), [])
  await page.getByRole('button', { name: 'Delete everything and reset' }).click()
  await page.locator('#view-tables', { hasText: 'users 8 rows' }).waitFor()

  await show(page, 'actions')
  const form = page.locator('form', { has: page.getByRole('heading', { name: 'Log in', exact: true }) })
  await form.getByLabel('Demo user').selectOption('noor@example.com (admin)')
  await form.getByRole('button', { name: 'Log in' }).click()
  await form.getByText('200 OK').waitFor()
  t.match(await page.textContent('#who'), 'noor@example.com')
  await page.getByRole('button', { name: 'Forget the token' }).click()
  await app.knex.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
})

t.test('the buttons of Actions sign up, log in, post and vote', async (t) => {
  await page.goto(`${url}/xray?key=${KEY}#actions`)
  const send = async (name: string) => {
    const form = page.locator('form', { has: page.getByRole('heading', { name, exact: true }) })
    const output = form.getByRole('status')
    const before = await output.textContent()
    await form.getByRole('button', { name, exact: true }).click()
    // `page.waitForFunction` would need eval, which the page's policy forbids.
    const hasChanged = () =>
      output.evaluate((element, text) => element.textContent !== text && !element.ariaBusy, before)
    while (!(await hasChanged())) await page.waitForTimeout(20)
    return output
  }
  t.match(await (await send('Vote')).textContent(), /401 NOT_AUTHENTICATED/, 'no user is logged in')
  t.match(await (await send('Sign up')).textContent(), /201 Created/)
  t.match(await (await send('Sign up')).textContent(), /409 EMAIL_TAKEN/)
  const logIn = await (await send('Log in')).textContent()
  t.match(logIn, /200 OK/)
  t.notMatch(logIn, /eyJ/, 'the token is shown only on its bench')
  t.match(await page.textContent('#who'), /Logged in as visitor-/)
  t.match(await (await send('Write a post')).textContent(), /201 Created/)
  t.match(await (await send('Vote')).textContent(), /201 Created/)
  const again = await send('Vote')
  t.match(await again.textContent(), /409 ALREADY_VOTED/)
  t.equal(await again.getByRole('link').first().getAttribute('href'), '/guide/errors/ALREADY_VOTED')
  t.same(await app.knex('votes').count(), [{ count: '1' }])
})

t.test('“Open in Swagger UI” opens the operation, and X-ray can use the login of Swagger UI', async (t) => {
  const [docs] = await Promise.all([
    page.waitForEvent('popup'),
    page.getByRole('link', { name: 'Open in Swagger UI' }).nth(2).click(),
  ])
  await page.getByRole('button', { name: 'Forget the token' }).click()
  await docs.waitForSelector('#operations-Posts-createPost.is-open')
  t.equal(await docs.locator('.opblock.is-open').count(), 1)

  const form = page.locator('form', { has: page.getByRole('heading', { name: 'Log in', exact: true }) })
  await docs.click('.auth-wrapper .authorize')
  await docs.fill('#oauth_username', await form.getByLabel('Email').inputValue())
  await docs.fill('#oauth_password', await form.getByLabel('Password').inputValue())
  await docs.click('.dialog-ux .modal-btn.authorize')
  await docs.waitForSelector('.dialog-ux button:has-text("Logout")')
  await docs.close()

  await page.locator('#view-actions').getByRole('button', { name: 'Use the login of Swagger UI' }).waitFor()
  await show(page, 'token')
  await page.locator('#view-token').getByRole('button', { name: 'Use the login of Swagger UI' }).click()
  await page.waitForSelector('#view-token .token')
  t.ok(
    await page.getByRole('button', { name: 'Send the refresh token instead' }).isDisabled(),
    'which has no refresh token',
  )
  t.match(await page.textContent('#view-token'), 'This login has no refresh token to send.')
  await show(page, 'actions')
  await form.getByRole('button', { name: 'Log in', exact: true }).click()
  await show(page, 'token')
  await page.waitForSelector('#view-token button:enabled:text("refresh token")')
})

t.test(
  'the token bench reads a token without a key, and shows six different reasons for rejection',
  async (t) => {
    await page.goto(`${url}/xray#token`)
    const card = await page.textContent('#view-token')
    t.match(card, /anyone can read it, and no one can change it/)
    for (const words of [
      'algorithm',
      'issuer',
      'subject',
      'expiration time',
      'issued at',
      'token id',
      'key id',
    ])
      t.ok(card?.includes(words), `${words} is explained`)
    const left = page.getByRole('timer')
    const first = await left.textContent()
    t.match(first, /29 min|30 min/)
    await left.filter({ hasNotText: first ?? '' }).waitFor()

    const result = page.locator('#view-token .results')
    const send = async (name: string) => {
      await page.getByRole('button', { name, exact: true }).click()
      await result.locator('h4', { hasText: name === 'Edit the claim' ? 'Edit role' : name }).waitFor()
      const [changed = '', client = '', known = ''] = await result.locator('.thirds > div').allTextContents()
      return { changed, client, reason: known.replace('What the service knows', '') }
    }
    t.match(await send('Send it as it is'), { client: /200 OK/, changed: /Nothing/ })

    const changes: [string, RegExp, RegExp][] = [
      ['Edit the claim', /payload role"user""admin"/, /JWT_KIT_SIGNATUREin the signature/],
      ['Set alg to none', /header alg"HS256""none"/, /JWT_KIT_ALGORITHMin the header/],
      ['Cut the signature', /signature.*41 characters/, /JWT_KIT_MALFORMEDin the signature/],
      ['Expire it', /payload exp/, /JWT_KIT_EXPIREDin the payload, claim exp/],
      ['Sign with a key of my own name', /header kid"1""mine"/, /JWT_KIT_UNKNOWN_KEYin the header/],
      ['Send the refresh token instead', /token.*65 characters/, /JWT_KIT_MALFORMEDin the token/],
      ['Call it another kind of token', /header typ/, /JWT_KIT_WRONG_KINDin the header/],
      ['Send a token of another issuer', /payload iss/, /JWT_KIT_WRONG_ISSUERin the payload, claim iss/],
      // The service cannot distinguish these from a claim that was edited.
      ['Flip a character of the signature', /signature/, /JWT_KIT_SIGNATUREin the signature/],
      ['Sign with another secret', /signature/, /JWT_KIT_SIGNATUREin the signature/],
    ]
    const reasons: string[] = []
    for (const [name, change, reason] of changes) {
      const response = await send(name)
      t.match(
        response.client,
        /401 TOKEN_INVALID.*The access token (is invalid|expired)/,
        `${name}: the client gets no details`,
      )
      t.match(response.changed, change, `${name}: what changed`)
      t.match(response.reason, reason, `${name}: what the service knows`)
      reasons.push(response.reason)
    }
    t.equal(new Set(reasons.slice(0, 6)).size, 6, 'the first six are rejected for six different reasons')
    t.match(await page.textContent('#view-token caption >> nth=-1'), /11, rejected for 8 different reasons/)
  },
)

t.test('the session bench shows that a request that fails at COMMIT leaves no row', async (t) => {
  await page.goto(`${url}/xray#session`)
  const card = page.locator('#view-session .results')
  const run = async (name: string) => {
    await page.getByRole('button', { name, exact: true }).click()
    await card.locator('h3', { hasText: name }).waitFor()
    return (await card.textContent()) ?? ''
  }
  const rows = () => app.knex('xray.seats').select()

  t.match(await run('A success'), /0 → 1 .*201 Created.*BEGIN.*COMMIT/)
  t.equal((await rows()).length, 1)
  const constraint = await run('A constraint at COMMIT')
  t.match(constraint, /1 → 1 rows: nothing was committed/)
  t.match(constraint, /409 CONFLICT/)
  t.match(constraint, /✗ COMMIT.*one_person_a_seat/)
  t.match(await run('An error after the INSERT'), /1 → 1 .*500 INTERNAL.*ROLLBACK/)
  t.match(await run('The client disconnects'), /1 → 1 .*nothing.*ROLLBACK.*the client disconnected/)
  t.match(await run('The connection is killed'), /1 → 1 .*503 DATABASE_UNAVAILABLE/)
  t.match(await run('50 requests, a pool of 5'), /served.*rejected/)
  t.equal((await rows()).length, 1, 'no other row')

  await run('A constraint at COMMIT')
  await card.getByRole('button', { name: 'See it in the timeline' }).click()
  await page.waitForSelector('#view-timeline .detail :text("one_person_a_seat")')
})

t.test('the hash bench shows two salts for one password, and works with the keyboard', async (t) => {
  await page.goto(`${url}/xray#hash`)
  const field = page.getByLabel('Password, made up for this bench')
  const password = await field.inputValue()
  await field.focus()
  await page.keyboard.press('Enter')
  await page.waitForSelector('#view-hash .hash')
  const salts = await page.locator('.hash .salt dd').allTextContents()
  t.equal(new Set(salts).size, 2)
  t.same(new Set(await page.locator('.hash .cost dd').allTextContents()), new Set(['$10$']))
  t.notMatch(await page.textContent('#view-hash'), /\$2b\$\d\d\$[./\w]{53}/, 'no complete hash')

  await page.getByLabel('Someone types').focus()
  await page.keyboard.press('Enter')
  await page.waitForSelector('.steps')
  t.match(await page.textContent('.steps'), /They differ.*rejected: wrong-password/)
  await page.getByLabel('Someone types').fill(password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.steps :text("They are equal")')

  await page.getByRole('button', { name: /Time costs/ }).click()
  await page.waitForSelector(':text("Each step in cost doubles the work")')
  t.equal(await page.locator('.plot .bar').count(), 5)
  const boxes = (selector: string) =>
    page.locator(selector).evaluateAll((all) =>
      all.map((one) => {
        const { left, right, top, bottom } = one.getBoundingClientRect()
        return { left, right, top, bottom }
      }),
    )
  const labels = await boxes('.plot text')
  const crossed = (await boxes('.plot .doubling')).filter((line) =>
    labels.some(
      ({ left, right, top, bottom }) =>
        line.left < right && line.right > left && line.top < bottom - 4 && line.bottom > top + 4,
    ),
  )
  t.same(crossed, [], 'no line crosses a label')
  await page.getByRole('button', { name: 'Hash one, try the other' }).click()
  await page.waitForSelector('.facts')
  t.match(await page.textContent('#view-hash'), /AUTH_HASH_PASSWORD_TOO_LONG.*AUTH_HASH_PASSWORD_HAS_NUL/)
})

t.test('each bench with its results fits a phone, and axe finds no serious problem', async (t) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize(
      colorScheme === 'light' ? { width: 390, height: 844 } : { width: 1280, height: 800 },
    )
    for (const view of ['tables', 'token', 'hash', 'session', 'actions']) {
      await show(page, view)
      const { width } = page.viewportSize() ?? {}
      t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${view}, ${colorScheme}`)
      t.same(await axe(page), [], `${view}, ${colorScheme}`)
    }
  }
  await page.evaluate(
    `document.querySelector('#view-actions input').parentElement.replaceWith(document.querySelector('#view-actions input'))`,
  )
  t.match(await axe(page), [/^label: /], 'axe finds an input without a name')
})

t.test('the browser logs no error', async (t) => t.same(complaints, []))

/** Opens a view, and uses all of its controls. */
async function show(page: Page, view: string): Promise<void> {
  await page.evaluate(`location.hash = '#${view}'`)
  await page.waitForSelector(`#view-${view}:not([hidden])`)
}
