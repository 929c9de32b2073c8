import t from 'tap'
import { createMarkdownRenderer } from 'vitepress'
import { readBlocks, readMarks } from '../../../docs/check/pages.ts'
import { createConfig } from '../site/config.ts'
import { readSitePages, type SitePage } from '../site/pages.ts'
import { convertText } from '../site/project.ts'

const pages = await readSitePages()
const { markdown, srcDir = '' } = await createConfig(t.testdir({ reference: {} }))
const renderer = await createMarkdownRenderer(srcDir, markdown, '/guide/')

/** Returns the kind of each callout of a page: `NOTE`. */
const readKinds = (text: string) =>
  [...text.matchAll(/^> \[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]$/gm)].map(([, kind = '']) => kind)

function render(text: string, url = pages[0]?.url): string {
  const path = `${srcDir}/${url}.md`
  return renderer.render(convertText({ path, text }), { path, relativePath: `${url}.md`, cleanUrls: true })
}

const readCallouts = (html: string) =>
  [...html.matchAll(/<div class="(\w+) custom-block[^>]*><p class="custom-block-title">(\w+)<\/p>/g)].map(
    ([, kind, title]) => `${kind}: ${title}`,
  )

const readHighlighted = (html: string) =>
  [...html.matchAll(/<span class="line highlighted">(.*?)<\/span>\n?(?=<span class="line|<\/code>)/g)].map(
    ([, line = '']) =>
      line
        .replaceAll(/<[^>]*>/g, '')
        .replaceAll('&#x3C;', '<')
        .replaceAll('&#x26;', '&'),
  )

t.test('the guide shows the callouts and highlights the marked lines of a page, and no others', async (t) => {
  for (const wanted of [
    'chapters/02-schemas-and-models',
    'chapters/16-nginx-and-processes',
    'how-to/x-ray',
    'start/terminal',
  ]) {
    const { url, text } = pages.find((page) => page.url === wanted) as SitePage
    const html = render(text, url)
    const kinds = readKinds(text)
    t.not(kinds.length, 0)
    t.same(
      readCallouts(html),
      kinds.map((kind) => `${kind.toLowerCase()}: ${kind.charAt(0)}${kind.slice(1).toLowerCase()}`),
      url,
    )
    t.notMatch(html, '[!', url)
    const marked = readBlocks(text).flatMap(({ info, code }) =>
      readMarks(info).map((mark) => code.split('\n')[mark - 1]),
    )
    t.equal(marked.length > 0, url.startsWith('chapters/'), url)
    t.same(readHighlighted(html), marked, url)
  }
})

t.test('no page has more than two callouts: with many, none would stand out', async (t) => {
  for (const { url, text } of pages) t.ok(readKinds(text).length <= 2, url)
  t.ok(pages.flatMap(({ text }) => readKinds(text)).length > 10)
})

t.test('neither a quotation nor the digits in the name of a file become a callout or a mark', async (t) => {
  const html = render('> A quotation, [!NOTE] within it\n\n```ts file=05-a/b-2.ts#c-1\na\nb\nc\nd\ne\n```\n')
  t.same(readCallouts(html), [])
  t.same(readHighlighted(html), [])
  t.match(html, '<blockquote>')
  t.same(readHighlighted(render('```ts file=05-a/b-2.ts#c-1 {3-4}\na\nb\nc\nd\ne\n```\n')), ['c', 'd'])
})
