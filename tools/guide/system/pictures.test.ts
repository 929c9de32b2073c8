import t from 'tap'
import { CHAPTER_PICTURES } from '../../../docs/pictures/chapters.ts'
import { drawPicture } from '../../../docs/pictures/draw.ts'
import { launch } from '../../../test-support/chromium.ts'

/** The smallest font on the screen, in pixels. */
const MIN_FONT = 11

/** The space between a text and the edge of its box. */
const PADDING = 2

/**
 * Runs in the page. Returns what is wrong with its picture: text that is small, cut off, wider than its box or on other
 * text. A string, because tap's coverage would change a function.
 */
const FIND_PROBLEMS = `(() => {
  const svg = document.querySelector('svg')
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width
  const { width, height } = svg.viewBox.baseVal
  const texts = [...svg.querySelectorAll('text')].map((element) => ({
    text: element.textContent, box: element.getBBox(), font: parseFloat(getComputedStyle(element).fontSize) * scale,
  }))
  const boxes = [...svg.querySelectorAll('rect:not(.paper)')].map((element) => element.getBBox())
  const end = ({ x, width }) => x + width
  const contains = (outer, { x, y, width, height }) =>
    x + width / 2 > outer.x && x + width / 2 < end(outer) && y + height / 2 > outer.y && y + height / 2 < outer.y + outer.height
  const overlaps = (a, b) => a.x < end(b) && b.x < end(a) && a.y + 3 < b.y + b.height - 3 && b.y + 3 < a.y + a.height - 3
  return texts.flatMap(({ text, box, font }, index) => [
    ...(font < ${MIN_FONT} ? [text + ' is small: ' + font] : []),
    ...(box.x < ${PADDING} || end(box) > width - ${PADDING} || box.y < 0 || box.y + box.height > height ? [text + ' is cut off'] : []),
    ...boxes.filter((outer) => contains(outer, box) && (box.x < outer.x + ${PADDING} || end(box) > end(outer) - ${PADDING}))
      .map(() => text + ' is wider than its box'),
    ...texts.slice(index + 1).filter((other) => overlaps(box, other.box)).map((other) => text + ' is on ' + other.text),
  ])
})()`

const browser = await launch()
t.teardown(() => browser.close())

/** Shows a picture as a page does: never wider than the screen. */
async function findProblems(svg: string, width: number): Promise<string[]> {
  const page = await browser.newPage({ viewport: { width, height: 900 } })
  await page.setContent(
    `<style>body { margin: 16px } svg { max-width: 100%; height: auto }</style>${svg.replace(/ height="[\d.]+"/, '')}`,
  )
  const problems = await page.evaluate<string[]>(FIND_PROBLEMS)
  await page.close()
  return problems
}

for (const picture of CHAPTER_PICTURES) {
  t.test(`${picture.file} is readable at the width of a phone and of a desktop`, async (t) => {
    for (const width of [390, 1280])
      t.same(await findProblems(drawPicture(picture), width), [], `${width} px`)
  })
}

t.test('small text, text that is cut off, too wide for its box or on other text is found', async (t) => {
  const draw = (body: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="100" viewBox="0 0 400 100" font-size="13">${body}</svg>`
  for (const [body, problem] of [
    ['<text x="9" y="20" font-size="11">small</text>', 'small is small'],
    ['<text x="380" y="20">cut off at the side</text>', 'is cut off'],
    [
      '<rect x="9" y="5" width="90" height="30"/><text x="12" y="20">a long text in a box</text>',
      'wider than its box',
    ],
    ['<text x="9" y="20">one</text><text x="15" y="24">two</text>', 'one is on two'],
  ] as const)
    t.match((await findProblems(draw(body), 390)).join('; '), problem)
  t.same(await findProblems(draw('<text x="9" y="20">one</text><text x="9" y="40">two</text>'), 390), [])
})
