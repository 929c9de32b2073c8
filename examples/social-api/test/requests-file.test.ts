import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { type Editor, sendHttpFile } from '../../../test-support/http-file.ts'
import { serve } from '../../../test-support/social-api.ts'
import { seed } from '../src/demo/seed.ts'

const FILE = new URL('../requests.http', import.meta.url)
const STEPS = [
  'POST /users 201',
  'POST /login 200',
  'POST /posts 201',
  'GET /posts 200',
  'GET /posts/25 200',
  'PUT /posts/25 200',
  'POST /vote 201',
  'POST /vote 201',
  'POST /posts 422',
  'DELETE /posts/1 403',
  'DELETE /posts/25 204',
]

async function serveDemoData(t: Test): Promise<string> {
  const { app, url } = await serve(t, { hasDemoData: true })
  await seed(app.knex)
  return url
}

for (const editor of ['VS Code', 'JetBrains'] satisfies Editor[]) {
  t.test(`every request of requests.http gets its status in ${editor}, also the second time`, async (t) => {
    const url = await serveDemoData(t)
    const text = await readFile(FILE, 'utf8')
    const sent = await sendHttpFile(text, url, editor)
    for (const { title, status } of sent) t.match(title, `(${status})`, title)
    t.same(
      sent.map(({ method, path, status }) => `${method} ${path} ${status}`),
      STEPS,
    )
    const again = await sendHttpFile(text, url, editor)
    t.equal(again[0]?.status, 409, 'the email is taken')
    for (const { title, status } of again.slice(1)) t.match(title, `(${status})`, title)
  })
}

t.test('a request without the token fails, so the file does pass it on', async (t) => {
  const url = await serveDemoData(t)
  const text = (await readFile(FILE, 'utf8')).replaceAll('Bearer {{token}}', 'Bearer none')
  const sent = await sendHttpFile(text.replace('{{createPost.response.body.id}}', '1'), url, 'VS Code')
  t.same([...new Set(sent.slice(2).map(({ status }) => status))], [401])
})
