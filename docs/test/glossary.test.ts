import { resolve } from 'node:path'
import t from 'tap'
import { leadsSomewhere, readAnchors, readLinks } from '../check/links.ts'
import { CHECKOUT, readPage, readPages } from '../check/pages.ts'

const glossary = await readPage(resolve(CHECKOUT, 'docs/glossary.md'))
const terms = glossary.text
  .split(/^## /m)
  .slice(1)
  .map((entry) => {
    const [term = '', text = ''] = entry.trim().split('\n\n')
    return { term, text }
  })

t.test('each term of the glossary has one sentence and a section that explains it', async (t) => {
  t.ok(terms.length >= 60)
  for (const { term, text } of terms) {
    t.match(text, /^[A-Z][^\n]+\. Explained in \[[^\]]+\]\([^)]+\.md#[^)]+\)\.$/, term)
    for (const link of readLinks(text)) t.ok(await leadsSomewhere(glossary, link), `${term}: ${link}`)
  }
})

t.test('the terms of the glossary are sorted, and each is listed once', async (t) => {
  const names = terms.map(({ term }) => term.toLowerCase())
  t.same(names, names.toSorted())
  t.equal(new Set(readAnchors(glossary.text)).size, terms.length + 1)
})

t.test('each page before the chapters links to the glossary', async (t) => {
  const start = (await readPages()).filter(({ name }) => name.startsWith('docs/start/'))
  t.equal(start.length, 4)
  for (const page of start) t.ok(linkedTerms(page.text).length > 0, `${page.name} links to glossary.md#term`)
})

t.test('no heading links to the glossary, and a page links to each term once', async (t) => {
  for (const { name, text } of await readPages()) {
    t.notMatch(text, /^#.*glossary\.md/m, name)
    const linked = linkedTerms(text)
    t.same(linked, [...new Set(linked)], name)
  }
})

/** Returns the anchors of the glossary that a page links to. */
function linkedTerms(text: string): string[] {
  return readLinks(text).flatMap((link) => /(?:^|\/)glossary\.md#(.+)$/.exec(link)?.[1] ?? [])
}

t.test('links to terms are read from links, not from code', async (t) => {
  t.same(linkedTerms('[salt](../glossary.md#salt), [hash](glossary.md#hash)'), ['salt', 'hash'])
  t.same(linkedTerms('`[salt](../glossary.md#salt)` [x](myglossary.md#x) [y](glossary.md)'), [])
})
