import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, BrowserContext, Page as BrowserPage } from 'playwright-core'
import { type Expectation, readExpectation, readSection } from './lesson.ts'
import { readBlocks } from './pages.ts'
import { freePort } from './program.ts'
import { matches, runShell, Shell } from './shell.ts'

/** How long an expectation may take to come true. */
const EXPECTATION_TIMEOUT_MS = 60_000

/** The running service, and the checkout that it runs from. */
export interface Stage {
  readonly browser: Browser
  readonly url: string
  /** The address that the service prints for X-ray. */
  readonly xrayUrl: string
  /** Everything that the service has printed. */
  readonly log: () => string
  /** The folder of the checkout, whose files the lessons change. */
  readonly checkout: string
  /** The environment of the terminals. */
  readonly env: Readonly<Record<string, string>>
  readonly demoPassword: string
  /** True if the commands of the chapters' steps are run, too. */
  readonly runsSteps: boolean
}

/** Does what the steps of a presenter's page say, in Chromium and in terminals next to the service. */
export class Player {
  readonly #stage: Stage
  readonly #context: BrowserContext
  readonly #xray: BrowserPage
  readonly #shell: Shell
  /** The port that replaces 8000, which may be in use. */
  readonly #otherPort: number
  #other: Shell | undefined
  #page: BrowserPage | undefined
  #operation = ''
  #copied = ''
  #logStart = 0
  /** Returns the text of the place that was used last. */
  #readView: () => Promise<string> | string = () => ''

  private constructor(stage: Stage, context: BrowserContext, xray: BrowserPage, otherPort: number) {
    this.#stage = stage
    this.#otherPort = otherPort
    this.#context = context
    this.#xray = xray
    this.#shell = this.#openShell()
  }

  /** Opens a new browser window with X-ray, and a terminal. */
  static async open(stage: Stage): Promise<Player> {
    const context = await stage.browser.newContext({ viewport: { width: 1280, height: 800 } })
    context.setDefaultTimeout(EXPECTATION_TIMEOUT_MS)
    const xray = await context.newPage()
    await xray.goto(stage.xrayUrl)
    await xray.locator('#live.live').waitFor()
    return new Player(stage, context, xray, await freePort())
  }

  async end(): Promise<void> {
    await this.#context.close()
    await this.#other?.end()
    await this.#shell.end()
  }

  /** Does what one sentence says. Rejects if it cannot be done, or if an expectation does not come true. */
  async play(line: string): Promise<void> {
    const sentence = line.replaceAll('8000', `${this.#otherPort}`)
    const expectation = readExpectation(sentence)
    if (expectation !== undefined) return this.#expect(expectation)
    for (const [pattern, act] of ACTIONS) {
      const found = pattern.exec(sentence)
      if (found === null) continue
      this.#logStart = this.#stage.log().length
      await act(this, ...found.slice(1))
      return
    }
    throw new Error(`Nothing can play the sentence: ${sentence}`)
  }

  async openOperation(tag: string, operation: string): Promise<void> {
    this.#operation = `#operations-${tag}-${operation}`
    const page = this.#page ?? (await this.#context.newPage())
    this.#page = page
    if (page.url().startsWith(`${this.#stage.url}/docs`)) {
      const block = page.locator(this.#operation)
      await block.waitFor()
      if (!(await block.getAttribute('class'))?.includes('is-open'))
        await block.locator('.opblock-summary').first().click()
    } else await page.goto(`${this.#stage.url}/docs#/${tag}/${operation}`)
    await page.locator(`${this.#operation}.is-open`).waitFor()
    this.#readView = () => this.#readResponse()
  }

  async openView(view: string): Promise<void> {
    await this.#xray.evaluate(`location.hash = '#${view}'`)
    const section = this.#xray.locator(`#view-${view}`)
    await section.waitFor()
    this.#readView = async () => (await section.textContent()) ?? ''
  }

  async openPage(address: string): Promise<void> {
    this.#page ??= await this.#context.newPage()
    const page = this.#page
    const response = await page.goto(new URL(address, this.#stage.url).href)
    if (response?.status() !== 200) throw new Error(`${address} returned ${response?.status()}`)
    this.#readView = () => page.locator('body').innerText()
  }

  async reloadPage(): Promise<void> {
    // Right after a restart, the service may not listen yet.
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#page?.reload()
        return
      } catch (error) {
        if (tries === 100) throw error
        await sleep(100)
      }
    }
  }

  async openFile(path: string): Promise<void> {
    const text = await readFile(this.#resolve(path), 'utf8')
    this.#readView = () => text
  }

  async changeFile(path: string, from: string, to: string): Promise<void> {
    const file = this.#resolve(path)
    const text = await readFile(file, 'utf8')
    if (!text.includes(from)) throw new Error(`${path} does not contain “${from}”.`)
    await writeFile(file, text.replaceAll(from, to))
  }

  async logIn(email: string): Promise<void> {
    const page = this.#page
    if (page === undefined) throw new Error('Swagger UI is not open.')
    await page.locator('.auth-wrapper .authorize').first().click()
    const logOut = page.locator('.dialog-ux button', { hasText: 'Logout' })
    if (await logOut.isVisible()) await logOut.click()
    await page.fill('#oauth_username', email)
    await page.fill('#oauth_password', this.#stage.demoPassword)
    await page.locator('.dialog-ux .modal-btn.authorize').click()
    await logOut.waitFor()
    await page.locator('.dialog-ux .btn-done').click()
  }

  async setBody(body: string): Promise<void> {
    await this.#block().locator('.body-param__text').fill(body.replace('…', this.#copied))
  }

  async setField(name: string, value: string): Promise<void> {
    const row = this.#block().locator(`[data-param-name="${name}"], [data-property-name="${name}"]`)
    await row.locator('input').fill(value.replace('…', this.#copied))
  }

  async press(name: string): Promise<void> {
    if (name !== 'Execute') {
      await this.#xray.locator('main > section:visible').getByRole('button', { name, exact: true }).click()
      return
    }
    // Removes an earlier response, so the next expectation sees the new one.
    const clear = this.#block().locator('.btn-clear')
    if ((await clear.count()) > 0) await clear.click()
    await this.#block().locator('.execute').click()
    await this.#block().locator('.live-responses-table').waitFor()
    this.#readView = () => this.#readResponse()
  }

  async openRequest(method: string, path: string, status = ''): Promise<void> {
    await this.openView('timeline')
    const pattern = `${method} ${path}`
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    const row = this.#xray
      .locator('.request', {
        has: this.#xray.locator('.what', { hasText: new RegExp(`^${pattern.join('\\S+')}$`) }),
      })
      .filter({ has: this.#xray.locator('.status', { hasText: status.trim() }) })
    await row.first().click()
    const detail = this.#xray.locator('#view-timeline .detail')
    this.#readView = async () => (await detail.textContent()) ?? ''
  }

  async copyFromResponse(name: string): Promise<void> {
    const found = new RegExp(`"${name}":\\s*"?([^",\\s}]+)`).exec(await this.#readResponse())
    if (found?.[1] === undefined) throw new Error(`The response has no ${name}.`)
    this.#copied = found[1]
  }

  async copyToken(): Promise<void> {
    const command = await this.#block().locator('.curl').first().textContent()
    const found = /Bearer ([\w.-]+)/.exec(command ?? '')
    if (found?.[1] === undefined) throw new Error('The curl command has no token.')
    this.#copied = found[1]
  }

  async paste(): Promise<void> {
    await this.#shell.run(`read -r TOKEN <<< '${this.#copied}'`)
  }

  async run(command: string): Promise<void> {
    const printed = await this.#shell.run(command)
    this.#readView = () => printed
  }

  async runInOther(command: string): Promise<void> {
    await this.#other?.end()
    const other = this.#openShell()
    other.type(command)
    this.#other = other
    this.#readView = () => other.printed
  }

  /** Runs the commands of a chapter's step, or only finds them: the test of the chapter's page runs them, too. */
  async runStep(path: string, anchor: string): Promise<void> {
    const blocks = readBlocks(readSection(await readFile(this.#resolve(path), 'utf8'), anchor))
    if (!blocks.some(({ language }) => language === 'sh')) throw new Error(`#${anchor} has no command.`)
    if (!this.#stage.runsSteps) return
    const { checkout, env } = this.#stage
    for (const { command, shown, printed } of await runShell(blocks, checkout, env))
      if (!matches(shown, printed)) throw new Error(`${command} printed:\n${printed}\ninstead of:\n${shown}`)
  }

  async evaluate(code: string): Promise<void> {
    const port = new URL(this.#stage.url).port
    const result = await this.#page
      ?.evaluate(code.replaceAll(':3000', `:${port}`).replace(/^await /, ''))
      .then(String, String)
    this.#readView = () => result ?? ''
  }

  async #expect({ place, seen, unseen }: Expectation): Promise<void> {
    const read = async () =>
      collapse(place === 'log' ? this.#stage.log().slice(this.#logStart) : await this.#readView())
    const deadline = performance.now() + EXPECTATION_TIMEOUT_MS
    let text = await read()
    while (!seen.every((part) => text.includes(collapse(part))) && performance.now() < deadline) {
      await sleep(50)
      text = await read()
    }
    const missing = seen.filter((part) => !text.includes(collapse(part)))
    if (missing.length > 0) throw new Error(`“${missing.join('”, “')}” cannot be seen in: ${text}`)
    const present = unseen.filter((part) => text.includes(collapse(part)))
    if (present.length > 0) throw new Error(`“${present.join('”, “')}” can be seen in: ${text}`)
  }

  #openShell(): Shell {
    return new Shell(this.#stage.checkout, Number(new URL(this.#stage.url).port), this.#stage.env)
  }

  #block() {
    if (this.#page === undefined) throw new Error('Swagger UI is not open.')
    return this.#page.locator(this.#operation)
  }

  async #readResponse(): Promise<string> {
    return (await this.#block().locator('.live-responses-table').allTextContents()).join(' ')
  }

  /** Resolves a link of a page in `docs/class`. */
  #resolve(path: string): string {
    return resolve(this.#stage.checkout, 'docs/class', path)
  }
}

const collapse = (text: string) => text.replaceAll(/\s+/g, ' ')

type Action = (player: Player, ...parts: string[]) => Promise<void>

/** The action for each form of sentence. */
const ACTIONS: readonly (readonly [RegExp, Action])[] = [
  [
    /^Open \[[^\]]+\]\(http:\/\/127\.0\.0\.1:3000\/docs#\/(\w+)\/(\w+)\)\.$/,
    (player, tag = '', name = '') => player.openOperation(tag, name),
  ],
  [
    /^Open \[[^\]]+\]\(http:\/\/127\.0\.0\.1:3000\/xray#(\w+)\)\.$/,
    (player, view = '') => player.openView(view),
  ],
  [
    /^Open \[[^\]]+\]\(http:\/\/127\.0\.0\.1:3000(\/(?!docs|xray)[^)]*)\)\.$/,
    (player, address = '') => player.openPage(address),
  ],
  [/^Open \[[^\]]+\]\((\.\.\/[^)#]+)\)\.$/, (player, path = '') => player.openFile(path)],
  [/^Open `(http:[^`]+)`\.$/, (player, address = '') => player.openPage(address)],
  [/^Reload the page\.$/, (player) => player.reloadPage()],
  [/^In the page's console, run `([^`]+)`\.$/, (player, code = '') => player.evaluate(code)],
  [/^Log in as `([^`]+)`\.$/, (player, email = '') => player.logIn(email)],
  [/^Set the body to `([^`]+)`\.$/, (player, body = '') => player.setBody(body)],
  [/^Set `(\w+)` to `([^`]+)`\.$/, (player, name = '', value = '') => player.setField(name, value)],
  [/^Press \*\*([^*]+)\*\*(?: again)?\.$/, (player, name = '') => player.press(name)],
  [
    /^In the timeline, open the last `([A-Z]+) ([^\s`]+)( \d+)?`\.$/,
    (player, method = '', path = '', status = '') => player.openRequest(method, path, status),
  ],
  [/^Copy the `(\w+)` from the response\.$/, (player, name = '') => player.copyFromResponse(name)],
  [/^Copy the token from the `curl` command\.$/, (player) => player.copyToken()],
  [/^Run `read -r TOKEN`, and paste what you copied\.$/, (player) => player.paste()],
  [/^Run `([^`]+)`\.$/, (player, command = '') => player.run(command)],
  [/^In another terminal, run `([^`]+)`\.$/, (player, command = '') => player.runInOther(command)],
  [
    /^Run \[step \d+\]\((\.\.\/chapters\/[^)#]+)#([^)]+)\)\.$/,
    (player, path = '', heading = '') => player.runStep(path, heading),
  ],
  [
    /^In \[[^\]]+\]\(([^)]+)\), change `([^`]+)` to `([^`]+)`, and save\.$/,
    (player, path = '', from = '', to = '') => player.changeFile(path, from, to),
  ],
]

/** Returns true if a sentence has a form that can be played. */
export function isPlayable(sentence: string): boolean {
  return readExpectation(sentence) !== undefined || ACTIONS.some(([pattern]) => pattern.test(sentence))
}
