import { readFile } from 'node:fs/promises'
import t from 'tap'
import { COLLECTION, type Collection, createCollection } from '../../../docs/check/collection.ts'
import { type OpenApi, readOperations } from '../../../test-support/document.ts'
import { runCollection } from '../../../test-support/postman.ts'
import { serve } from '../../../test-support/social-api.ts'

const { app, url } = await serve(t)
const document = JSON.parse(JSON.stringify(app.swagger())) as OpenApi
const collection = JSON.parse(await readFile(COLLECTION, 'utf8')) as Collection

t.test('the Postman collection is made of the current OpenAPI document', async (t) => {
  t.same(collection, createCollection(document), '`npm run docs:collection` updates it')
})

t.test(
  'the collection runs from its first request to its last, twice, and each one gets its 2xx',
  async (t) => {
    for (const run of ['first', 'second']) {
      const sent = await runCollection(collection, url)
      t.same(
        sent.filter(({ status }) => status < 200 || status > 299),
        [],
        `the ${run} run`,
      )
      t.equal(sent.length, readOperations(document).length, 'every operation was sent')
    }
  },
)

t.test('the collection needs its order and the token that a response sets', async (t) => {
  const reversed = { ...collection, item: collection.item.toReversed() }
  await t.rejects(runCollection(reversed, url), { message: /has no value$/ })
  const withoutScripts = collection.item.map((folder) => ({
    ...folder,
    item: folder.item.map((item) => (item.name === 'Log in' ? { ...item, event: [] } : item)),
  }))
  await t.rejects(runCollection({ ...collection, item: withoutScripts }, url), {
    message: '{{access_token}} has no value',
  })
})

t.test(
  'createCollection() rejects a document with an operation that has no folder, or a folder without one',
  async (t) => {
    const { paths } = document
    const { '/vote': vote, ...others } = paths
    t.throws(() => createCollection({ ...document, paths: others }), { message: /no operation vote/ })
    const operation = { ...vote?.post, operationId: 'other' } as (typeof paths)[string][string]
    t.throws(() => createCollection({ ...document, paths: { ...paths, '/other': { post: operation } } }), {
      message: /Add these operations to a folder: other/,
    })
  },
)
