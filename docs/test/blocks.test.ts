import t from 'tap'
import { type Block, blocksOf, readPages, regionOf } from '../check/pages.ts'
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
  const blocks = blocksOf(page.text)
  if (blocks.length === 0) continue
  t.test(`${page.name} shows code that is run`, async (t) => {
    t.equal((page.text.match(/^ *```/gm) ?? []).length, 2 * blocks.length, 'each block is closed')
    for (const block of blocks) {
      const source = /^file=(\S+)$/.exec(block.info)?.[1]
      if (source !== undefined) t.equal(block.code, await regionOf(page, source), source)
      else t.ok(isRun(block), `\`\`\`${block.language} ${block.info}: ${block.code.slice(0, 60)}`)
    }
  })
}

/** Shell blocks are run by shell.test.ts; what is not code needs not be. */
function isRun({ language, info }: Block): boolean {
  if (language === 'sh') return info === '' || info === 'server'
  return language !== '' && !CODE.includes(language)
}

t.test('a block that is run by nothing is found', async (t) => {
  for (const head of ['ts', 'ts twoslash', 'sql', 'js', 'bash', 'sh by hand', '']) {
    const [block] = blocksOf(`\`\`\`${head}\nx\n\`\`\`\n`)
    t.notOk(isRun(block as Block), head)
  }
  for (const head of ['sh', 'sh server', 'python', 'json output', 'text'])
    t.ok(isRun(blocksOf(`\`\`\`${head}\nx\n\`\`\`\n`)[0] as Block), head)
})

t.test('what was printed is compared', async (t) => {
  t.ok(matches('a\n…\nd …1', 'a\nb\nc\nd 21\n'))
  t.ok(matches('', '\n'))
  t.notOk(matches('a', 'b\n'))
  t.notOk(matches('a', 'a\nb\n'), 'a line more')
  t.notOk(matches('a\nb', 'a\n'), 'a line less')
  t.notOk(matches('', 'a\n'), 'a line where none is shown')
  t.notOk(matches('(a.b)', '(a,b)\n'), 'signs are themselves')
})
