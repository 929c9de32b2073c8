import t from 'tap'
import { CHECKOUT, readBlocks, readPages } from '../check/pages.ts'
import { matches, runShell } from '../check/shell.ts'

/** The pages whose commands cannot be run here, with the reason, which the page gives too. */
const NOT_RUN = new Map([['docs/how-to/deploy.md', 'it makes users and folders of the machine']])

/** The pages of the classes, which lesson-lines.test.ts runs. */
const isOfClass = (name: string) => name.startsWith('docs/class/')

/** With `PAGE=05-creating-users`, only the pages whose path contains that are run. */
const pages = (await readPages()).filter(({ name }) => name.includes(process.env.PAGE ?? ''))

for (const page of pages) {
  const blocks = readBlocks(page.text)
  if (!blocks.some(({ language }) => language === 'sh') || NOT_RUN.has(page.name) || isOfClass(page.name))
    continue
  t.test(`the commands of ${page.name} print what it shows`, { buffered: true }, async (t) => {
    for (const { command, shown, printed } of await runShell(blocks, CHECKOUT))
      if (matches(shown, printed)) t.pass(command.trim())
      else t.equal(printed.trim(), shown.trim(), command.trim())
  })
}
