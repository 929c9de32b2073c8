import Fastify from 'fastify'
import t from 'tap'
import header, { PAGE_POLICY, renderHeader, renderPage } from '../src/index.ts'

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

t.test('renderHeader() links to each section, and marks only the current one', async (t) => {
  for (const [section, path] of [
    ['guide', '/guide'],
    ['api', '/docs'],
    ['xray', '/xray'],
  ] as const) {
    const current = [...renderHeader(section).matchAll(/href="([^"]+)" aria-current/g)].map(([, one]) => one)
    t.same(current, [path])
    t.match(renderHeader(undefined), `<a href="${path}">`)
  }
  t.match(renderHeader(undefined), '<a class="site-name" href="/">')
  t.notMatch(renderHeader(undefined), /aria-current|<script|style=/)
})

t.test('renderPage() escapes its title', async (t) => {
  t.match(renderPage('a <b> & "c"', ''), '<title>a &lt;b> &amp; &quot;c&quot;</title>')
})

t.test(
  'the plugin serves the files that a page loads, and browsers ask whether they have changed',
  async (t) => {
    const app = await build()
    const [...files] = renderPage('', '').matchAll(/(?:href|src)="(\/\w+\.\w+)"/g)
    t.equal(files.length, 4)
    for (const [, path = ''] of files) {
      const { statusCode, headers } = await app.inject(path)
      t.match(
        { statusCode, headers },
        { statusCode: 200, headers: { 'cache-control': 'no-cache', etag: /./ } },
        path,
      )
      const again = await app.inject({ url: path, headers: { 'if-none-match': headers.etag } })
      t.equal(again.statusCode, 304)
    }
    t.equal((await app.inject('/package.json')).statusCode, 404)
  },
)

t.test(
  'a browser that opens an address gets a page for an error, every other client the document',
  async (t) => {
    const app = await build()
    const get = (url: string, headers = {}) => app.inject({ url, headers })
    const page = await get('/broken?a=<b>', BROWSER)
    t.equal(page.statusCode, 404)
    t.match(page.headers, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': PAGE_POLICY,
    })
    t.match(page.body, /<h1>Not Found<\/h1>/)
    t.match(page.body, 'a &lt;i> &amp; more', 'the detail is escaped')
    for (const path of ['/guide/errors/NOT_FOUND', '/', '/docs', '/guide'])
      t.match(page.body, `href="${path}"`)

    for (const accept of [undefined, '*/*', 'application/json', 'application/json, text/html;q=0.9']) {
      const { headers, statusCode } = await get('/broken', accept && { accept })
      t.equal(statusCode, 404)
      t.match(headers['content-type'], /^application.problem.json/, accept ?? 'no Accept')
    }
    const long = await get('/broken', { accept: `text/html,${'a/b,'.repeat(300)}` })
    t.match(long.headers['content-type'], /^application.problem.json/, 'a long Accept is not parsed')
    const posted = await app.inject({ method: 'POST', url: '/broken', headers: BROWSER })
    t.match(posted.headers['content-type'], /^application.problem.json/, 'not an address that was opened')
    t.equal((await get('/whole', BROWSER)).headers['content-type'], 'application/json; charset=utf-8')
  },
)

t.test('the page of an error has a hint for paths that visitors expect', async (t) => {
  const app = await build()
  const get = async (url: string) => (await app.inject({ url, headers: BROWSER })).body
  t.match(await get('/xray'), /X-ray opens only on the computer that runs the service/)
  t.match(await get('/redoc'), /has no ReDoc/)
  t.match(await get('/guide/no/page'), /has a list of its pages/)
  for (const path of ['/xrays', '/broken']) t.notMatch(await get(path), /X-ray opens|ReDoc|list of its pages/)
})

async function build() {
  const app = Fastify()
  await app.register(header)
  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .type('application/problem+json')
      .send(
        JSON.stringify({
          type: '/guide/errors/NOT_FOUND',
          title: 'Not Found',
          status: 404,
          detail: 'a <i> & more',
          code: 'NOT_FOUND',
        }),
      ),
  )
  app.get('/whole', async () => ({}))
  return app
}
