import t from 'tap'
import { readPages } from '../../../docs/check/pages.ts'
import { slugify } from '../site/markdown.ts'
import { readSitePages } from '../site/pages.ts'
import { createPolicy } from '../site/policy.ts'
import { convertText } from '../site/project.ts'
import { joinVerbs } from '../site/search.ts'

const pages = await readSitePages()

t.test('every page of docs/ is in the site, and no two share an address', async (t) => {
  const paths = new Set(pages.map(({ path }) => path))
  for (const { path, name } of await readPages()) t.ok(paths.has(path), name)
  t.equal(new Set(pages.map(({ url }) => url)).size, pages.length)
})

t.test(
  'no page includes a file with the syntax of VitePress, which can show a whole file by accident',
  async (t) => {
    for (const page of pages) t.doesNotThrow(() => convertText(page), page.url)
    const convert = (text: string) => convertText({ path: 'x.md', text })
    for (const line of [
      '<<< ./app.ts#routes',
      '<<< @/app.ts',
      '<!-- @include: ./part.md -->',
      '<!--@include: a-->',
    ])
      t.throws(() => convert(`# A page\n\n${line}\n`), /x\.md includes a file with/, line)
    t.equal(convert('a <<< b <!-- a comment -->'), 'a <<< b <!-- a comment -->')
  },
)

t.test('a block of Python and the block of this repository after it become two tabs', async (t) => {
  const python = '```python\ndef f():\n    pass\n```'
  const here = '```ts file=app.ts#f\nf()\n```'
  const convert = (text: string) => convertText({ path: 'x.md', text })
  t.equal(
    convert(`${python}\n\n${here}`),
    '::: code-group\n\n```python [FastAPI]\ndef f():\n    pass\n```\n\n```ts file=app.ts#f [here]\nf()\n```\n\n:::',
  )
  t.equal(
    convert(`${python}\n\nText.\n\n${here}`),
    `${python}\n\nText.\n\n::: code-group\n\n${here.replace('#f', '#f [here]')}\n\n${python.replace('python', 'python [FastAPI]')}\n\n:::`,
    'after a text, the Python is also the second tab',
  )
  for (const text of [
    `${python}\n\n## A heading\n\n${here}`,
    `${here}\n\n${python}`,
    `${python}\n\n\`\`\`sh\nls\n\`\`\`\n\n${here}`,
  ])
    t.equal(convert(text), text)
})

t.test('the policy allows only the scripts and styles that the pages have', async (t) => {
  const policy = createPolicy([
    '<script>a()</script><script src="/b.js"></script><p style="color:&quot;red&quot;">',
    '<script id="x">a()</script>',
  ])
  t.match(policy, /script-src 'self' 'sha256-[^ ]+';/, 'the same script only once')
  t.match(policy, /style-src 'self' 'unsafe-hashes' 'sha256-[^ ]+';/)
  t.notMatch(policy, /unsafe-inline|unsafe-eval|https?:|\*/)
  t.not(policy, createPolicy(['<script>b()</script>']))
})

t.test('a verb is found as a noun, and headings have the anchors of GitHub', async (t) => {
  t.equal(
    joinVerbs('Log in, then sign-up; she logged out of the login'),
    'Login, then signup; she logout of the login',
  )
  t.equal(joinVerbs('a sign in itself is up'), 'a signin itself is up')
  t.equal(joinVerbs('log into the vlog in'), 'log into the vlog in')
  t.equal(slugify('04 · One `db` session?'), '04--one-db-session')
})
