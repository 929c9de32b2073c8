import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { readChapters } from '@auth-primer/tool-learn'
import t from 'tap'
import { readPage, readPages } from '../check/pages.ts'
import { CHAPTER_PICTURES } from '../pictures/chapters.ts'
import { drawPicture, findLongCode, type Picture, wrapText } from '../pictures/draw.ts'

const DOCS = resolve(import.meta.dirname, '..')
const CHECKOUT = resolve(DOCS, '..')

/** Returns the images of a page: the text alternative, and the path of the file. */
function readImages({ path, text }: { path: string; text: string }) {
  return [...text.matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)].map(([, alt = '', link = '']) => ({
    alt,
    file: resolve(path, '..', link),
  }))
}

for (const { number, title, folder } of await readChapters()) {
  t.test(`chapter ${number}, ${title}, has a picture of the source`, async (t) => {
    const images = readImages(await readPage(resolve(folder, 'README.md')))
    const drawn = CHAPTER_PICTURES.map(({ file }) => resolve(DOCS, file))
    t.ok(images.some(({ file }) => drawn.includes(file)))
  })
}

t.test('every image of docs/ has a text alternative that describes it', async (t) => {
  for (const page of await readPages())
    for (const { alt, file } of readImages(page)) {
      t.ok(existsSync(file), file)
      t.ok(alt.length >= 40, `${page.name}: ${alt}`)
    }
})

t.test('each screenshot is small, and its chapter or the README shows it', async (t) => {
  const names = await readdir(resolve(DOCS, 'screenshots'))
  t.same(
    names.map((name) => name.slice(0, 2)),
    ['01', '04', '06', '07', '08', '09', '12', 'xr'],
  )
  const chapters = await readChapters()
  for (const name of names) {
    const file = resolve(DOCS, 'screenshots', name)
    t.ok((await stat(file)).size <= 150_000, name)
    const { folder = CHECKOUT } = chapters.find(({ number }) => name.startsWith(`${number}-`)) ?? {}
    const images = readImages(await readPage(resolve(folder, 'README.md')))
    t.ok(
      images.some((image) => image.file === file),
      `${folder} shows ${name}`,
    )
  }
})

for (const picture of CHAPTER_PICTURES) {
  t.test(`${picture.file} is current, and describes itself`, async (t) => {
    const svg = await readFile(resolve(DOCS, picture.file), 'utf8').catch(() => '')
    t.equal(svg, drawPicture(picture), '`npm run docs:pictures` updates it')
    t.match(svg, /<title id="title">.{10,}<\/title>\n<desc id="desc">.{80,}<\/desc>/)
    t.match(svg, '@media (prefers-color-scheme: dark)')
    t.match(svg, 'viewBox="0 0 400 ', 'a phone shows it at almost its full size')
    t.same(findLongCode(picture), [], 'every line of code fits in its box')
  })
}

t.test('each picture has its own file', (t) => {
  t.equal(new Set(CHAPTER_PICTURES.map(({ file }) => file)).size, CHAPTER_PICTURES.length)
  t.end()
})

t.test('drawPicture() escapes text, and breaks long text into lines', (t) => {
  const text = 'a < b & "c" '.repeat(10).trim()
  const picture: Picture = {
    file: 'x.svg',
    title: '1 < 2',
    description: 'A & B',
    parts: [
      { boxes: [{ head: '<b>', lines: [text] }] },
      {
        lanes: ['<a>', '&'],
        steps: [
          { from: 0, to: 1, text },
          { at: [0, 1], note: '"' },
        ],
      },
    ],
  }
  const svg = drawPicture(picture)
  t.match(svg, '<title id="title">1 &lt; 2</title>')
  t.notMatch(svg, /<b>|& |<a>/)
  t.ok((svg.match(/<text /g)?.length ?? 0) > 8, 'several lines')
  t.same(wrapText('one two three', 60), ['one two', 'three'])
  t.same(wrapText('unbreakable', 10), ['unbreakable'])
  t.end()
})

t.test('findLongCode() finds a line of code that is wider than its box', (t) => {
  const create = (line: string): Picture => ({
    file: 'x.svg',
    title: '',
    description: '',
    parts: [{ boxes: [{ isCode: true, lines: [line] }, {}] }],
  })
  t.same(findLongCode(create('short')), [])
  t.same(findLongCode(create('x'.repeat(40))), ['x'.repeat(40)])
  t.end()
})
