import { readdir, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import t from 'tap'
import { launch } from '../../../test-support/chromium.ts'
import { CHECKOUT, run } from '../../../test-support/process.ts'

const TIMEOUT_MS = 120_000

/** A page that exists only during this test, with a picture. */
const NAME = `zz-dev-server-${process.pid}`
const PATH = resolve(CHECKOUT, `docs/explanation/${NAME}.md`)
const TEXT = '# A page\n\n![A token](token.svg)\n\nOne.\n'

t.test(
  '`npm run docs:dev` prints its address, updates the browser when a page is saved, and leaves no files',
  async (t) => {
    t.teardown(() => rm(PATH, { force: true }))
    await writeFile(PATH, TEXT)
    const command = [
      process.execPath,
      '--import',
      'tsx',
      resolve(CHECKOUT, 'tools/guide/site/build.ts'),
      '--dev',
    ]
    const server = run(t, command, {}, { isRecorded: false })
    const url = await server.waitForOutput(/The guide is at (\S+)/)
    const work = `.work.${server.child.pid}`
    const listFolder = () => readdir(resolve(CHECKOUT, 'tools/guide'))
    t.ok((await listFolder()).includes(work))

    const browser = await launch()
    t.teardown(() => browser.close())
    const page = await browser.newPage()
    const broken: string[] = []
    page.on('response', (response) => {
      if (response.status() >= 400) broken.push(response.url())
    })
    await page.goto(`${url}explanation/${NAME}`)
    await page.getByText('One.').waitFor({ timeout: TIMEOUT_MS })
    await page.getByRole('img', { name: 'A token' }).waitFor({ timeout: TIMEOUT_MS })
    await writeFile(PATH, TEXT.replace('One.', 'Two.'))
    await page.getByText('Two.').waitFor({ timeout: TIMEOUT_MS })
    t.same(broken, [], 'the page has its picture')

    server.child.kill('SIGINT')
    t.equal(await server.waitForExit(), 0)
    t.notOk((await listFolder()).includes(work))
  },
)
