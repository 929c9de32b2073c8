import assert from 'node:assert/strict'
import { chapter } from '../../check/chapter.ts'
import { buildApp } from './app.ts'

const POSTS = 125

await chapter(import.meta.url, async ({ load, database, check, atEnd }) => {
  const { posts } = await load<typeof import('./solution/posts.ts')>('posts.ts')
  const { url, knex } = await database()
  const app = await buildApp(url, posts)
  atEnd(() => app.close())

  const get = (query: string) => app.inject(`/posts?${query}`)
  const statusOf = async (query: string): Promise<number> => (await get(query)).statusCode
  const list = async (query: string): Promise<{ id: number; title: string }[]> => {
    const response = await get(query)
    assert.equal(response.statusCode, 200, `\`?${query}\` got an unexpected status.`)
    return response.json()
  }
  const idsOf = async (query: string): Promise<number[]> => (await list(query)).map(({ id }) => id)
  const from = (first: number, length: number) => Array.from({ length }, (_, index) => first + index)

  await check(
    'no-page',
    '`limit` and `skip` select a page, and without them the list has ten posts',
    [
      'Request `?limit=2&skip=4`, and then the list without a query string. What do you get?',
      'Pass both numbers to the database. Their defaults belong in the schema.',
      '`db("posts").limit(query.limit).offset(query.skip)`, and `Type.Integer({ default: 10 })`.',
    ],
    async () => {
      await knex('posts').insert(from(1, POSTS).map((number) => ({ title: `Post ${number}` })))
      assert.deepEqual(await idsOf(''), from(1, 10), 'Without a query string, the list has unexpected posts.')
      assert.deepEqual(await idsOf('limit=2&skip=4'), [5, 6], '`?limit=2&skip=4` returns unexpected posts.')
      assert.deepEqual(await idsOf(`skip=${POSTS + 1}`), [], 'A page after the last post is not empty.')
    },
  )

  await check(
    'out-of-range',
    'a limit below 1, above 100 or not an integer is a 422, and 1 and 100 are accepted',
    [
      'Request `?limit=101`, `?limit=0` and `?limit=ten`. Which bounds does your schema have, and which status do you get?',
      'Put the bounds into the schema. Fastify replies with 400 to invalid values: a `schemaErrorFormatter` or an error handler can change that to 422.',
      '`Type.Integer({ minimum: 1, maximum: 100, default: 10 })`, and `app.setSchemaErrorFormatter(([error]) => Object.assign(new Error(error?.message), { statusCode: 422 }))`.',
    ],
    async () => {
      for (const query of ['limit=101', 'limit=0', 'limit=-1', 'limit=ten', 'limit=1.5', 'skip=-1'])
        assert.equal(await statusOf(query), 422, `\`?${query}\` got an unexpected status.`)
      for (const limit of [1, 100])
        assert.deepEqual(
          await idsOf(`limit=${limit}`),
          from(1, limit),
          `\`?limit=${limit}\` returns unexpected posts.`,
        )
    },
  )

  await check(
    'coerced',
    'only digits are a number: `1e1`, `0x10`, a space, a sign, an empty or a repeated limit are a 422',
    [
      'Request `?limit=1e1`. How many posts do you get, and which part of Fastify converted the text?',
      'Fastify converts text to numbers before it applies the schema. Check the text first: it must be digits only.',
      'In a `preValidation` hook: `/^[0-9]+$/.test(request.query.limit)`, and otherwise throw an error with `statusCode: 422`.',
    ],
    async () => {
      const numbers = ['1e1', '0x10', '%205', '%2B5', '', '5&limit=6']
      for (const number of numbers)
        assert.equal(await statusOf(`limit=${number}`), 422, `\`?limit=${number}\` got an unexpected status.`)
      assert.equal(await statusOf('skip=1e1'), 422, '`?skip=1e1` got an unexpected status.')
    },
  )

  await check(
    'wildcards',
    '`%`, `_` and `\\` are searched for as characters, and the search is case-sensitive',
    [
      'Search for `0%` when there are posts “100% wool” and “1000 sheep”. What do you get besides the first?',
      'In a LIKE, three characters have a special meaning. Escape them, or use a function of Postgres that searches for plain text.',
      '`.whereRaw("strpos(title, ?) > 0", [query.search])`. `strpos` returns the position of the text in the title, or 0.',
    ],
    async () => {
      const titles = ['100% wool', '1000 sheep', 'a_b', 'axb', 'C:\\temp', 'C:temp', 'O’Hara and O\'Hara"s']
      await knex('posts').insert(titles.map((title) => ({ title })))
      const expected: Record<string, string[]> = {
        '0%': ['100% wool'],
        '%': ['100% wool'],
        a_b: ['a_b'],
        '\\': ['C:\\temp'],
        '\\t': ['C:\\temp'],
        Wool: [],
        wool: ['100% wool'],
        "O'": ['O’Hara and O\'Hara"s'],
      }
      for (const [search, found] of Object.entries(expected)) {
        const shown = (await list(`search=${encodeURIComponent(search)}`)).map(({ title }) => title)
        assert.deepEqual(shown.sort(), found, `A search for ${search} finds unexpected titles.`)
      }
    },
  )

  await check(
    'no-order',
    'the pages contain each post once, sorted by id, even if posts are edited',
    [
      'The check edits the first post of each page before it requests the next one. Which posts appear twice, and which never?',
      'Without ORDER BY, Postgres returns rows as it finds them, and an edited row is stored elsewhere. Order by a unique column.',
      '`.orderBy("id")` before `.limit(…)`.',
    ],
    async () => {
      await knex('posts').truncate()
      await knex('posts').insert(from(1, 20).map(() => ({ title: 'Post' })))
      const all = (await knex('posts').orderBy('id')).map(({ id }) => id)
      const seen: number[] = []
      for (let skip = 0; skip < all.length; skip += 5) {
        const page = await idsOf(`limit=5&skip=${skip}`)
        seen.push(...page)
        await knex('posts').whereIn('id', page.slice(0, 1)).update({ title: 'Edited' })
      }
      assert.equal(new Set(seen).size, all.length, 'The pages have an unexpected number of different posts.')
      assert.deepEqual(seen, all, 'The pages list the posts in an unexpected order.')
    },
  )
})
