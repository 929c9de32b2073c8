import t from 'tap'
import { buildOffline } from '../../../test-support/social-api.ts'
import { readSitePages } from '../../../tools/guide/site/pages.ts'
import { DEMO_PASSWORD, DEMO_USERS } from '../src/demo/data.ts'
import { PROBLEMS, Problem, type ProblemCode } from '../src/problem.ts'

t.test('the service serves the guide', async (t) => {
  const app = await buildOffline(t)
  const get = (url: string) => app.inject({ url, headers: { accept: 'text/html' } })

  t.test('the type of each problem is the path of a page', async (t) => {
    const pages = await readSitePages()
    for (const code of Object.keys(PROBLEMS)) {
      const { type } = new Problem(code as ProblemCode).toDocument('an id')
      t.ok(
        pages.some(({ url, text }) => `/guide/${url}` === type && text.includes(`# ${code}`)),
        code,
      )
    }
  })

  t.test('without a built site, a page says how to build it', async (t) => {
    for (const path of ['/guide', '/guide/errors/NOT_FOUND']) {
      const { statusCode, body } = await get(path)
      t.equal(statusCode, 503, path)
      t.match(body, 'npm run docs')
    }
  })

  t.test('the welcome page links to the guide', async (t) => {
    const { body } = await get('/')
    const paths = [...body.matchAll(/href="(\/[^"]*)"/g)].map(([, path]) => path as string)
    for (const path of ['/docs', '/guide']) t.ok(paths.includes(path))
    const guidePages = ['/guide', ...(await readSitePages()).map(({ url }) => `/guide/${url}`)]
    for (const path of new Set(paths)) {
      // The guide needs its site, X-ray its key, and /ready a database.
      if (path.startsWith('/guide')) t.ok(guidePages.includes(path), path)
      else if (path !== '/ready') t.equal((await get(path)).statusCode, path === '/xray' ? 404 : 200, path)
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
})
