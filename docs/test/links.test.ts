import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import t from 'tap'
import {
  findDeadUrls,
  isExternal,
  leadsSomewhere,
  readAnchors,
  readLinkedPages,
  readLinks,
} from '../check/links.ts'
import { CHECKOUT } from '../check/pages.ts'
import { freePort } from '../check/program.ts'

for (const page of await readLinkedPages()) {
  t.test(`${page.name} has no dead link`, async (t) => {
    for (const link of readLinks(page.text))
      if (!/^(https?|mailto):/.test(link)) t.ok(await leadsSomewhere(page, link), link)
  })
}

t.test('a dead link is found', async (t) => {
  const page = { path: resolve(CHECKOUT, 'docs/x.md'), name: 'docs/x.md', text: '# A `b` c!' }
  for (const link of ['nowhere.md', '../README.md#nowhere', '#a-b'])
    t.notOk(await leadsSomewhere(page, link), link)
  for (const link of ['../README.md', '../README.md#quick-start'])
    t.ok(await leadsSomewhere(page, link), link)
  t.same(readAnchors(page.text), ['a-b-c'])
  t.same(readLinks('[a](b.md) <https://x.org> `[c](d.md)` ![e](f.svg)'), ['b.md', 'https://x.org', 'f.svg'])
})

t.test('links to other sites are distinguished from links to this machine and to examples', async (t) => {
  for (const link of ['https://fastify.dev/docs', 'http://x.org', 'https://examples.org/'])
    t.ok(isExternal(link), link)
  for (const link of ['b.md', '#a', 'http://127.0.0.1:3000/', 'http://localhost/', 'https://app.example.com'])
    t.notOk(isExternal(link), link)
})

t.test('a URL that cannot be reached is reported with the reason', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(301, { location: '/' })
    if (request.url === '/gone') response.statusCode = 404
    response.end('x')
  })
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => void server.close())
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  t.same(
    await findDeadUrls([`${url}/`, `${url}/moved`, `${url}/gone`, `${url}/gone`]),
    new Map([[`${url}/gone`, 'status 404']]),
  )
  const closed = `http://127.0.0.1:${await freePort()}/`
  t.same(await findDeadUrls([closed]), new Map([[closed, 'ECONNREFUSED']]))
})
