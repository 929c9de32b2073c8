import { resolve } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { buildOffline } from '../../../test-support/social-api.ts'
import { findFile } from '../src/index.ts'
import { createSite } from '../src/site-builder.ts'

const SITE = {
  site: {
    'index.html': '<h1>Start</h1>',
    'errors.html': '<h1>Errors</h1>',
    errors: { 'NOT_FOUND.html': '<h1>NOT_FOUND</h1>' },
    chapters: { '05-creating-users.html': '<h1>05</h1>' },
    assets: { 'main.js': '1', '.hidden': 'secret' },
    media: { 'token.ts': 'const a = 1', 'a.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>', 'b.png': '' },
  },
  'beside.html': 'secret',
}

t.test('the built site is served', async (t) => {
  const dir = resolve(t.testdir(SITE), 'site')
  const app = await buildOffline(t, { site: { dir, isBeingBuilt: () => false } })
  const get = (url: string, headers = {}) => app.inject({ url, headers })

  t.test('a path without .html redirects to the file of its page', async (t) => {
    for (const [path, address, text] of [
      ['/guide', '/guide/index.html', 'Start'],
      ['/guide/', '/guide/index.html', 'Start'],
      ['/guide/README', '/guide/index.html', 'Start'],
      ['/guide/errors', '/guide/errors.html', 'Errors'],
      ['/guide/errors/', '/guide/errors.html', 'Errors'],
      ['/guide/errors/NOT_FOUND', '/guide/errors/NOT_FOUND.html', 'NOT_FOUND'],
      ['/guide/errors/NOT_FOUND/', '/guide/errors/NOT_FOUND.html', 'NOT_FOUND'],
      ['/guide/chapters/05-creating-users/README', '/guide/chapters/05-creating-users.html', '05'],
    ] as const) {
      const response = await get(path)
      t.equal(response.statusCode, 302, path)
      t.equal(response.headers.location, address, path)
      const page = await get(address)
      t.equal(page.statusCode, 200, address)
      t.equal(page.body, `<h1>${text}</h1>`)
      t.match(page.headers['content-type'], /^text\/html/)
    }
  })

  t.test('pages may load scripts, styles and images only from the service', async (t) => {
    const { headers } = await get('/guide/index.html')
    const policy = String(headers['content-security-policy']).split(';')
    t.ok(policy.includes("default-src 'none'"))
    t.ok(policy.includes("script-src 'self'"))
    t.notMatch(policy.join(), /unsafe|https?:|\*/)
    t.match((await get('/guide/media/a.svg')).headers['content-security-policy'], /style-src 'unsafe-inline'/)
  })

  t.test('browsers cache pages, and revalidate them', async (t) => {
    const { headers } = await get('/guide/index.html')
    t.equal(headers['cache-control'], 'no-cache')
    t.notOk(headers.pragma)
    const again = await get('/guide/index.html', { 'if-none-match': headers.etag })
    t.equal(again.statusCode, 304)
    t.equal(again.body, '')
    t.equal((await get('/guide/assets/main.js?cache=1')).headers['cache-control'], 'max-age=86400')
    t.equal((await app.inject({ method: 'HEAD', url: '/guide/index.html' })).statusCode, 200)
  })

  t.test('source files are served as text', async (t) => {
    const { headers, body } = await get('/guide/media/token.ts')
    t.equal(headers['content-type'], 'text/plain; charset=utf-8')
    t.equal(body, 'const a = 1')
    t.match((await get('/guide/media/a.svg')).headers['content-type'], /^image\/svg/)
    t.equal((await get('/guide/media/b.png')).headers['content-type'], 'image/png')
    t.match((await get('/guide/assets/main.js')).headers['content-type'], /javascript/)
  })

  t.test('pages that are not in the site are served as plain pages', async (t) => {
    for (const path of [
      '/guide/errors/CONFLICT',
      '/guide/errors/CONFLICT.html',
      '/guide/chapters/12-votes',
    ]) {
      const { statusCode, body, headers } = await get(path)
      t.equal(statusCode, 200, path)
      t.match(body, /<h2>/)
      t.match(headers['content-security-policy'], /style-src 'sha256-/)
    }
  })

  t.test('no file outside the site is served', async (t) => {
    for (const path of [
      '/guide/../beside',
      '/guide/..%2fbeside.html',
      '/guide/%2e%2e/beside.html',
      '/guide/..%5cbeside.html',
      '/guide/errors/..%2f..%2f..%2fbeside.html',
      '/guide/%00',
      '/guide/assets/.hidden',
      '/guide/assets',
      '/guide//etc/passwd',
    ]) {
      const { statusCode, body } = await get(path)
      t.ok(statusCode === 404 || statusCode === 400, `${path}: ${statusCode}`)
      t.notMatch(body, 'secret')
    }
    t.equal(await findFile({ dir, isBeingBuilt: () => false }, '../beside.html'), undefined)
  })
})

t.test('until the site is built, plain pages explain how to build it', async (t) => {
  const dir = resolve(t.testdir({}), 'site')
  let isBeingBuilt = true
  const app = await buildOffline(t, { site: { dir, isBeingBuilt: () => isBeingBuilt } })
  for (const path of ['/guide', '/guide/errors/NOT_FOUND'])
    t.match((await app.inject(path)).body, /is being built as a site with search: look again/, path)
  isBeingBuilt = false
  for (const path of ['/guide', '/guide/errors/NOT_FOUND'])
    t.match((await app.inject(path)).body, /npm run docs<\/code> builds a site/, path)
})

t.test('a failed build of the site is one line in the log', async (t) => {
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  const site = createSite(resolve(t.testdir({}), 'x'.repeat(255)))
  const done = site.build(log)
  t.equal(site.isBeingBuilt(), true)
  await done
  t.equal(site.isBeingBuilt(), false)
  t.equal(lines.length, 1)
  t.match(lines[0], /plain pages\. The site was not built: ENAMETOOLONG.*npm run docs/)
})

t.test('the site is not built if its folder cannot be written to', async (t) => {
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  const site = createSite(resolve(t.testdir({}), 'none/site'))
  const done = site.build(log)
  t.equal(site.isBeingBuilt(), false)
  await done
  await site.stop()
  t.same(lines, [])
})
