import t from 'tap'
import { buildOffline } from '../../../test-support/social-api.ts'
import { DEMO_PASSWORD, DEMO_USERS } from '../src/demo/data.ts'
import { PROBLEMS } from '../src/problem.ts'

t.test('the guide', async (t) => {
  const app = await buildOffline(t)
  const get = (url: string) => app.inject({ url, headers: { accept: 'text/html' } })

  t.test('has the page that each problem’s type leads to', async (t) => {
    for (const code of Object.keys(PROBLEMS)) {
      const { statusCode, headers, body } = await get(`/guide/errors/${code}`)
      t.equal(statusCode, 200, code)
      t.match(headers['content-type'], /^text\/html/)
      t.match(body, `<h1>${code}`)
      t.match(body, /<h2>How to fix it<\/h2>/)
    }
  })

  t.test('lists its pages, and every link leads to one', async (t) => {
    const { statusCode, body } = await get('/guide')
    t.equal(statusCode, 200)
    const paths = new Set([...body.matchAll(/href="(\/guide\/[^"#]+)"/g)].map(([, path]) => path as string))
    t.ok(paths.size > Object.keys(PROBLEMS).length)
    for (const path of paths) {
      const answer = await get(path)
      t.equal(answer.statusCode, 200, path)
      for (const [, link] of answer.body.matchAll(/href="(\/guide[^"#]*)"/g)) {
        t.equal((await get(link as string)).statusCode, 200, `${path} → ${link}`)
      }
    }
  })

  t.test('is reached from the welcome page', async (t) => {
    const { body } = await get('/')
    for (const path of ['/docs', '/guide']) t.match(body, `href="${path}"`)
    t.notOk(body.includes(DEMO_PASSWORD))
  })

  t.test('is beside the demo users where there are any', async (t) => {
    const withDemoData = await buildOffline(t, { hasDemoData: true })
    const { body } = await withDemoData.inject({ url: '/', headers: { accept: 'text/html' } })
    t.match(body, 'href="/guide"')
    for (const { email } of DEMO_USERS) t.match(body, email)
    t.match(body, DEMO_PASSWORD)
  })

  t.test('has nothing else of the disk', async (t) => {
    for (const path of [
      '/guide/none',
      '/guide/../package.json',
      '/guide/..%2f..%2fpackage.json',
      '/guide/errors',
    ]) {
      const answer = await get(path)
      t.equal(answer.statusCode, 404, path)
      t.equal(answer.json().code, 'NOT_FOUND')
    }
  })
})
