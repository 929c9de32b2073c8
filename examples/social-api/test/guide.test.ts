import t from 'tap'
import { buildOffline } from '../../../test-support/social-api.ts'
import { DEMO_PASSWORD, DEMO_USERS } from '../src/demo/data.ts'
import { PROBLEMS } from '../src/problem.ts'

t.test('the service serves the guide', async (t) => {
  const app = await buildOffline(t)
  const get = (url: string) => app.inject({ url, headers: { accept: 'text/html' } })

  t.test('the type of each problem is the path of a page', async (t) => {
    for (const code of Object.keys(PROBLEMS)) {
      const { statusCode, headers, body } = await get(`/guide/errors/${code}`)
      t.equal(statusCode, 200, code)
      t.match(headers['content-type'], /^text\/html/)
      t.match(body, `<h1>${code}`)
      t.match(body, /<h2>How to fix it<\/h2>/)
    }
  })

  t.test('the guide lists its pages, and every link leads to a page', async (t) => {
    const { statusCode, body } = await get('/guide')
    t.equal(statusCode, 200)
    const paths = new Set([...body.matchAll(/href="(\/guide\/[^"#]+)"/g)].map(([, path]) => path as string))
    t.ok(paths.size > Object.keys(PROBLEMS).length)
    for (const path of paths) {
      const response = await get(path)
      t.equal(response.statusCode, 200, path)
      for (const [, link] of response.body.matchAll(/href="(\/guide[^"#]*)"/g)) {
        t.equal((await get(link as string)).statusCode, 200, `${path} → ${link}`)
      }
    }
  })

  t.test('the welcome page links to the guide', async (t) => {
    const { body } = await get('/')
    const paths = [...body.matchAll(/href="(\/[^"]*)"/g)].map(([, path]) => path as string)
    for (const path of ['/docs', '/guide']) t.ok(paths.includes(path))
    for (const path of new Set(paths)) {
      const isXray = path === '/xray'
      // These two need more than the page: X-ray its key, /ready a database.
      if (path !== '/ready') t.equal((await get(path)).statusCode, isXray ? 404 : 200, path)
    }
    t.notMatch(body, /href="(http|[^/"])/, 'every link works on another port and from another machine')
    t.notOk(body.includes(DEMO_PASSWORD))
    t.match(body, /Welcome to social-api/, 'the message of the JSON')
  })

  t.test('with demo data, the welcome page lists the demo users next to the link to the guide', async (t) => {
    const withDemoData = await buildOffline(t, { hasDemoData: true })
    const { body } = await withDemoData.inject({ url: '/', headers: { accept: 'text/html' } })
    t.match(body, 'href="/guide"')
    for (const { email } of DEMO_USERS) t.match(body, email)
    t.match(body, DEMO_PASSWORD)
  })

  t.test('the guide serves no other files', async (t) => {
    for (const path of [
      '/guide/none',
      '/guide/../package.json',
      '/guide/..%2f..%2fpackage.json',
      '/guide/errors',
    ]) {
      const response = await get(path)
      t.equal(response.statusCode, 404, path)
      t.match(response.body, /<h1>Not Found<\/h1>/)
      t.match(response.body, '<a href="/guide">', 'a way back')
    }
  })
})
