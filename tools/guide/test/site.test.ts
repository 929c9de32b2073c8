import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { buildOffline } from '../../../test-support/social-api.ts'
import { findFile } from '../src/index.ts'
import { createSite } from '../src/site-builder.ts'

const SITE = {
  site: {
    'index.html': '<h1>Start</h1>',
    policy: "default-src 'none'; script-src 'self'",
    'errors.html': '<h1>Errors</h1>',
    errors: { 'NOT_FOUND.html': '<h1>NOT_FOUND</h1>' },
    chapters: { '05-creating-users.html': '<h1>05</h1>' },
    assets: { 'main.Dx1.js': '1', 'a.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>', '.hidden': 'secret' },
    files: { 'token.ts.txt': 'const a = 1' },
  },
  'beside.html': 'secret',
}

t.test('the built site is served', async (t) => {
  const dir = resolve(t.testdir(SITE), 'site')
  const app = await buildOffline(t, { site: { dir, isBeingBuilt: () => false } })
  const get = (url: string, headers = {}) => app.inject({ url, headers })

  t.test('a page has an address with and without .html', async (t) => {
    for (const [path, text] of [
      ['/guide/', 'Start'],
      ['/guide/index.html', 'Start'],
      ['/guide/errors', 'Errors'],
      ['/guide/errors.html', 'Errors'],
      ['/guide/errors/NOT_FOUND', 'NOT_FOUND'],
      ['/guide/errors/NOT_FOUND.html', 'NOT_FOUND'],
    ] as const) {
      const page = await get(path)
      t.equal(page.statusCode, 200, path)
      t.equal(page.body, `<h1>${text}</h1>`)
      t.match(page.headers['content-type'], /^text\/html/)
    }
  })

  t.test('the address of a folder or of its README redirects to the page', async (t) => {
    for (const [path, address] of [
      ['/guide', '/guide/'],
      ['/guide/README', '/guide/'],
      ['/guide/errors/', '/guide/errors'],
      ['/guide/errors/NOT_FOUND/', '/guide/errors/NOT_FOUND'],
      ['/guide/chapters/05-creating-users/README', '/guide/chapters/05-creating-users'],
      ['/guide/chapters/05-creating-users/README.html', '/guide/chapters/05-creating-users'],
    ] as const) {
      const { statusCode, headers } = await get(path)
      t.equal(statusCode, 302, path)
      t.equal(headers.location, address, path)
    }
  })

  t.test('a page has the policy of its build, and is shown in no frame', async (t) => {
    const { headers } = await get('/guide/')
    t.equal(
      headers['content-security-policy'],
      "default-src 'none'; script-src 'self'; frame-ancestors 'none'",
    )
    t.match(
      (await get('/guide/assets/a.svg')).headers['content-security-policy'],
      /style-src 'unsafe-inline'/,
    )
  })

  t.test('browsers keep assets, and revalidate pages', async (t) => {
    const { headers } = await get('/guide/index.html')
    t.equal(headers['cache-control'], 'no-cache')
    t.notOk(headers.pragma)
    const again = await get('/guide/index.html', { 'if-none-match': headers.etag })
    t.equal(again.statusCode, 304)
    t.equal(again.body, '')
    t.match((await get('/guide/assets/main.Dx1.js')).headers['cache-control'], /immutable/)
    t.equal((await app.inject({ method: 'HEAD', url: '/guide/index.html' })).statusCode, 200)
  })

  t.test('files are served with their media types, and copies of sources as text', async (t) => {
    for (const [path, type] of [
      ['files/token.ts.txt', 'text/plain; charset=utf-8'],
      ['assets/a.svg', 'image/svg+xml'],
      ['assets/main.Dx1.js', 'application/javascript; charset=utf-8'],
    ] as const)
      t.equal((await get(`/guide/${path}`)).headers['content-type'], type, path)
  })

  t.test('a page that is not in the site is not found', async (t) => {
    for (const path of ['/guide/none', '/guide/errors/NONE', '/guide/chapters']) {
      const { statusCode, body } = await get(path)
      t.equal(statusCode, 404, path)
      t.match(body, /no such page/)
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
    t.equal(await findFile(dir, '../beside.html'), undefined)
  })
})

t.test('until the site is built, every page explains that, and loads again', async (t) => {
  const dir = resolve(t.testdir({}), 'site')
  let isBeingBuilt = true
  const app = await buildOffline(t, { site: { dir, isBeingBuilt: () => isBeingBuilt } })
  for (const text of [/is being built/, /npm run docs<\/code> builds it/]) {
    for (const path of ['/guide', '/guide/errors/NOT_FOUND', '/guide/none']) {
      const { statusCode, headers, body } = await app.inject(path)
      t.equal(statusCode, 503, path)
      t.match(body, text)
      t.equal(headers.refresh, '3')
      t.equal(headers['retry-after'], '3')
      t.match(headers['content-security-policy'], /script-src 'self'/)
    }
    isBeingBuilt = false
  }
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
  t.match(lines[0], /no guide\. The site was not built: ENAMETOOLONG.*npm run docs/)
})

t.test('a build that is stopped ends, and leaves no line in the log and no folder', async (t) => {
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  const folder = t.testdir({})
  const site = createSite(resolve(folder, 'site'))
  const done = site.build(log)
  await Promise.all([site.stop(), site.stop()])
  await done
  await site.stop()
  t.same(lines, [])
  t.same(readdirSync(folder), [])
  t.equal(site.isBeingBuilt(), false)
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
