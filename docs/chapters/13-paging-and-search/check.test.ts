import assert from 'node:assert/strict'
import { chapter } from '../../check/chapter.ts'
import { buildApp } from './app.ts'

const POSTS = 125

await chapter(import.meta.url, async ({ load, database, claim, atEnd }) => {
  const { posts } = await load<typeof import('./solution/posts.ts')>('posts.ts')
  const { url, knex } = await database()
  const app = await buildApp(url, posts)
  atEnd(() => app.close())

  const get = (query: string) => app.inject(`/posts?${query}`)
  const statusOf = async (query: string): Promise<number> => (await get(query)).statusCode
  const list = async (query: string): Promise<{ id: number; title: string }[]> => {
    const answer = await get(query)
    assert.equal(answer.statusCode, 200, `\`?${query}\` is answered so.`)
    return answer.json()
  }
  const idsOf = async (query: string): Promise<number[]> => (await list(query)).map(({ id }) => id)
  const from = (first: number, length: number) => Array.from({ length }, (_, index) => first + index)

  await claim(
    'no-page',
    '`limit` and `skip` cut a page out of the list, and ten posts where nothing is said',
    [
      'Ask for `?limit=2&skip=4`, and for no query at all.',
      'Hand both numbers to the database. Their defaults belong in the schema.',
      '`db("posts").limit(query.limit).offset(query.skip)`, and `Type.Integer({ default: 10 })`.',
    ],
    async () => {
      await knex('posts').insert(from(1, POSTS).map((number) => ({ title: `Post ${number}` })))
      assert.deepEqual(await idsOf(''), from(1, 10), 'Without a query, these are the ids.')
      assert.deepEqual(await idsOf('limit=2&skip=4'), [5, 6], '`?limit=2&skip=4` gives these ids.')
      assert.deepEqual(await idsOf(`skip=${POSTS + 1}`), [], 'Behind the last post there is nothing.')
    },
  )

  await claim(
    'out-of-range',
    'a limit below 1, above 100 or without a number is a 422; 1 and 100 are fine',
    [
      'Ask for `?limit=101`, `?limit=0` and `?limit=ten`. Which bounds does your schema have, and which status comes?',
      'The bounds go into the schema. Fastify answers 400 to what breaks it: a `schemaErrorFormatter` or an error handler says 422.',
      '`Type.Integer({ minimum: 1, maximum: 100, default: 10 })`, and `app.setSchemaErrorFormatter(([error]) => Object.assign(new Error(error?.message), { statusCode: 422 }))`.',
    ],
    async () => {
      for (const query of ['limit=101', 'limit=0', 'limit=-1', 'limit=ten', 'limit=1.5', 'skip=-1'])
        assert.equal(await statusOf(query), 422, `\`?${query}\` is answered so.`)
      for (const limit of [1, 100])
        assert.deepEqual(
          await idsOf(`limit=${limit}`),
          from(1, limit),
          `\`?limit=${limit}\` gives these ids.`,
        )
    },
  )

  await claim(
    'coerced',
    '`1e1`, `0x10`, a space, a sign, nothing at all and two limits are no number: 422',
    [
      'Ask for `?limit=1e1`. How many posts come, and who made a number of it?',
      'Fastify turns texts into numbers before the schema looks. Look at the text first: digits, and nothing else.',
      'In a `preValidation` hook: `/^[0-9]+$/.test(request.query.limit)`, or else an error with `statusCode: 422`.',
    ],
    async () => {
      const numbers = ['1e1', '0x10', '%205', '%2B5', '', '5&limit=6']
      for (const number of numbers)
        assert.equal(await statusOf(`limit=${number}`), 422, `\`?limit=${number}\` is answered so.`)
      assert.equal(await statusOf('skip=1e1'), 422, '`?skip=1e1` is answered so.')
    },
  )

  await claim(
    'wildcards',
    '`%`, `_` and `\\` are searched for as they are, and case counts',
    [
      'Search for `0%` when there is a “100% wool” and a “1000 sheep”. What else comes?',
      'In a LIKE, three characters mean something else. Escape them, or ask Postgres for a function that looks for plain text.',
      '`.whereRaw("strpos(title, ?) > 0", [query.search])`: the place of the text in the title, 0 where it is not.',
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
        assert.deepEqual(shown.sort(), found, `A search for ${search} gives these titles.`)
      }
    },
  )

  await claim(
    'no-order',
    'page after page shows each post once, by its id, while posts are edited',
    [
      'Turn the pages while somebody edits the first post of each. Which posts come twice, and which never?',
      'Without ORDER BY, Postgres gives rows as it finds them, and an edited row lies elsewhere. Order by what is unique.',
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
      assert.equal(new Set(seen).size, all.length, 'So many different posts are on the pages.')
      assert.deepEqual(seen, all, 'They come in this order.')
    },
  )
})
