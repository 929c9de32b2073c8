/** Every page of the guide in a browser: on a projector, on a phone and on paper. */
import { resolve } from 'node:path'
import t from 'tap'
import { launch } from '../../../test-support/chromium.ts'
import { CHECKOUT, run } from '../../../test-support/process.ts'
import { buildOffline } from '../../../test-support/social-api.ts'
import { readSitePages } from '../site/pages.ts'

t.setTimeout(600_000)

/** Runs in the page. Returns the code and the tables that do not fit into their blocks, and cannot be scrolled there either. */
const FIND_CUT_OFF = `[...document.querySelectorAll('.vp-doc pre, .vp-doc table')]
  .filter((element) => element.checkVisibility())
  .filter((element) => {
    const isWider = element.scrollWidth > element.clientWidth + 1
    const canScroll = matchMedia('screen and (max-width: 639px)').matches &&
      ['auto', 'scroll'].includes(getComputedStyle(element).overflowX)
    return isWider && !canScroll
  })
  .map((element) => element.textContent.slice(0, 80))`
const EXCESS = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
const build = [process.execPath, '--import', 'tsx', 'tools/guide/site/build.ts', '--if-older']
const { waitForExit, output } = run(t, build, {}, { isRecorded: false })
if ((await waitForExit()) !== 0) throw new Error(output())
const app = await buildOffline(t, { site: { dir: resolve(CHECKOUT, 'site'), isBeingBuilt: () => false } })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const browser = await launch()
t.teardown(() => browser.close())
// The pages are the same without their scripts, and load faster.
const page = await browser.newPage({ javaScriptEnabled: false })

const pages = await readSitePages()
const chapters = pages.filter((one) => /^chapters\/\d/.test(one.url))
const PLACES = {
  'a projector': { width: 1280, height: 800, media: 'screen' },
  'a phone': { width: 390, height: 844, media: 'screen' },
  // A sheet of A4 with margins of 1 cm, at 96 pixels per inch.
  paper: { width: 718, height: 1047, media: 'print' },
} as const

async function show({ width, height, media }: (typeof PLACES)[keyof typeof PLACES]): Promise<void> {
  await page.setViewportSize({ width, height })
  await page.emulateMedia({ media })
}

t.test('no code, no table and no page of the guide is cut off', async (t) => {
  t.ok(pages.length > 100)
  for (const { url: name } of pages) {
    await page.goto(`${url}/guide/${name}`)
    for (const [place, shown] of Object.entries(PLACES)) {
      await show(shown)
      t.same(await page.evaluate(FIND_CUT_OFF), [], `${name} on ${place}`)
      t.equal(await page.evaluate(EXCESS), 0, `${name} is as wide as ${place}`)
    }
  }
})

t.test('code that is cut off is found', async (t) => {
  await page.goto(`${url}/guide/${chapters[0]?.url}`)
  await show(PLACES['a projector'])
  const code = page.locator('.vp-doc pre').first()
  await code.evaluate((element) => {
    element.textContent = 'wide '.repeat(99)
    element.style.whiteSpace = 'pre'
  })
  t.match(await page.evaluate(FIND_CUT_OFF), [/^wide wide/])
})

t.test('each chapter leads to the one before it and to the one after it', async (t) => {
  for (const [index, { url: name }] of chapters.entries()) {
    await page.goto(`${url}/guide/${name}`)
    const links = async (kind: 'prev' | 'next') =>
      page.locator(`.pager-link.${kind}`).evaluateAll((all) => all.map((one) => one.getAttribute('href')))
    for (const [kind, neighbor] of [
      ['prev', chapters[index - 1]],
      ['next', chapters[index + 1]],
    ] as const)
      if (neighbor) t.same(await links(kind), [`/guide/${neighbor.url}`], `${kind} of ${name}`)
  }
})
