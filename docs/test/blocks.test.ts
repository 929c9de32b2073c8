import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import t from 'tap'
import {
  type Block,
  CHECKOUT,
  type Page,
  readBlocks,
  readMarks,
  readPages,
  readRegion,
  refreshBlocks,
} from '../check/pages.ts'
import { matches } from '../check/shell.ts'

const pages = await readPages()

/** Languages that are run, or compiled and run: a block in one of them is part of a file that is, or is run itself. */
const CODE = [
  'ts',
  'js',
  'tsx',
  'jsx',
  'typescript',
  'javascript',
  'sql',
  'sh',
  'bash',
  'shell',
  'console',
  'nginx',
  'yaml',
]

for (const page of pages) {
  const blocks = readBlocks(page.text)
  if (blocks.length === 0) continue
  t.test(`${page.name} shows code that is run`, async (t) => {
    t.equal((page.text.match(/^ *```/gm) ?? []).length, 2 * blocks.length, 'each block is closed')
    for (const block of blocks) {
      const source = /^file=(\S+)( \{[\d,-]+\})?$/.exec(block.info)?.[1]
      const lines = block.code.split('\n')
      for (const mark of readMarks(block.info)) t.match(lines[mark - 1], /\S/, `${block.info}: ${mark}`)
      const reader = /^by=(\S+)$/.exec(block.info)?.[1]
      if (source !== undefined) {
        t.equal(block.code, await readRegion(page, source), source)
        t.ok(await isRunFile(page, source), `${source} is run`)
      } else if (reader !== undefined) {
        const test = await readFile(resolve(page.path, '..', reader), 'utf8')
        t.ok(test.includes(basename(page.path)), `${reader} reads it from this page`)
      } else t.ok(isRun(block), `\`\`\`${block.language} ${block.info}: ${block.code.slice(0, 60)}`)
    }
  })
}

/** Returns true if a check or program next to a file of `docs/`, or a command of the page, names it. Others have own tests. */
async function isRunFile(page: Page, source: string): Promise<boolean> {
  const path = resolve(page.path, '..', source.replace(/#.*/, ''))
  if (!path.startsWith(`${CHECKOUT}/docs/`)) return true
  // A chapter's check runs these.
  if (/^docs\/chapters\/(app|[^/]+\/(solution|good|bad))\//.test(relative(CHECKOUT, path))) return true
  const name = basename(path)
  const commands = readBlocks(page.text).filter(({ language }) => language === 'sh')
  if (commands.some(({ code }) => code.includes(name))) return true
  const folders = [dirname(path), dirname(dirname(path))]
  const beside = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder)).filter((file) => file.endsWith('.ts')).map((file) => resolve(folder, file)),
    ),
  )
  const others = beside.flat().filter((file) => file !== path)
  if (path.endsWith('/check.test.ts')) return true
  const texts = await Promise.all(others.map((file) => readFile(file, 'utf8')))
  return texts.some((text) => text.includes(name))
}

/** Returns true for shell blocks, which shell.test.ts runs, and for blocks that are not code. */
function isRun({ language, info }: Block): boolean {
  if (language === 'sh') return info === '' || info === 'server'
  return language !== '' && !CODE.includes(language)
}

t.test('a block that is run by nothing is found', async (t) => {
  for (const head of ['ts', 'ts twoslash', 'sql', 'js', 'bash', 'sh by hand', '']) {
    const [block] = readBlocks(`\`\`\`${head}\nx\n\`\`\`\n`)
    t.notOk(isRun(block as Block), head)
  }
  for (const head of ['sh', 'sh server', 'python', 'json output', 'text'])
    t.ok(isRun(readBlocks(`\`\`\`${head}\nx\n\`\`\`\n`)[0] as Block), head)
})

t.test(
  'a marked line stays marked if code before it changes, and a marked line that is gone is reported',
  async (t) => {
    const path = resolve(t.testdir({ 'app.ts': 'import b\nimport c\nb()\nb()\n' }), 'page.md')
    const refresh = (marks: string, code: string) =>
      refreshBlocks({ path, name: 'page.md', text: `\`\`\`ts file=app.ts${marks}\n${code}\`\`\`\n` })
    const readHead = (text: string) => text.split('\n')[0]
    t.equal(readHead(await refresh(' {2-3}', 'import b\nb()\nb()\n')), '```ts file=app.ts {3,4}')
    t.equal(
      readHead(await refresh(' {3}', 'import b\nb()\nb()\n')),
      '```ts file=app.ts {4}',
      'the second of two',
    )
    t.equal(readHead(await refresh('', 'b()\n')), '```ts file=app.ts')
    await t.rejects(refresh(' {1}', 'import a\nb()\n'), /the line 1 has changed/)
    t.same(readMarks('file=a-1.ts {2,4-6}'), [2, 4, 5, 6])
    t.same(readMarks('file=a-1.ts'), [])
  },
)

t.test('a file that is run by nothing is found', async (t) => {
  const page = { path: resolve(CHECKOUT, 'docs/x.md'), name: 'docs/x.md', text: '' }
  t.notOk(await isRunFile(page, 'check/refresh.ts#any'))
  t.ok(await isRunFile(page, 'check/pages.ts#any'), 'refresh.ts names it')
  t.ok(
    await isRunFile({ ...page, text: '```sh\nx check/refresh.ts\n```\n' }, 'check/refresh.ts'),
    'a command names it',
  )
})

t.test('what was printed is compared', async (t) => {
  t.ok(matches('a\n…\nd …1', 'a\nb\nc\nd 21\n'))
  t.ok(matches('', '\n'))
  t.ok(matches('a\n…\n\nd', 'a\r\nb\r\n\r\nd'), 'lines end in CR LF')
  t.notOk(matches('ab', 'a\rb\n'), 'a CR within a line')
  t.notOk(matches('a', 'b\n'))
  t.notOk(matches('a', 'a\nb\n'), 'a line more')
  t.notOk(matches('a\nb', 'a\n'), 'a line less')
  t.notOk(matches('', 'a\n'), 'a line where none is shown')
  t.notOk(matches('(a.b)', '(a,b)\n'), 'signs are themselves')
})
