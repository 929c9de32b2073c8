import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chapter, type Hints } from '../../check/chapter.ts'
import { buildApp } from '../app/app.ts'

const POSTS = 125

const HINTS = {
  serverError: [
    'The message shows a query string that makes Postgres reject your statement. Which bound would keep such a number out of the statement?',
    'A negative LIMIT or OFFSET causes an error in Postgres, which becomes a 500. Set a minimum so that negative values are rejected before the query runs.',
    '`limit: Type.Integer({ minimum: 1, maximum: 100, default: 10 })`, and `skip: Type.Integer({ minimum: 0, … })`.',
  ],
  clamped: [
    'A client asks for 101 posts and gets 100. How can it find out that one is missing?',
    'Don’t silently correct an invalid value. If you reject it, the client learns about the mistake.',
    'Use `maximum: 100` in the schema instead of `Math.min(limit, 100)`.',
  ],
  otherStatus: [
    'Your schema rejects the invalid values. Which status do the course’s clients expect?',
    'Fastify replies with 400 if validation fails. A `schemaErrorFormatter` or an error handler can change that to 422.',
    '`app.setSchemaErrorFormatter(([error]) => Object.assign(new Error(error?.message), { statusCode: 422 }))`',
  ],
  skipOutOfRange: [
    'Which numbers does your schema accept for `skip`?',
    '`skip` needs bounds, too: a minimum of 0, and a maximum that Postgres accepts.',
    '`skip: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, default: 0 })`',
  ],
  tooStrict: [
    'The limits 1 and 100 are valid. What does your service return for them?',
    'The values of `minimum` and `maximum` are themselves allowed.',
    '`Type.Integer({ minimum: 1, maximum: 100, default: 10 })`, not `exclusiveMinimum` or `exclusiveMaximum`.',
  ],
  anyCase: [
    'Search for “Wool”. Does your search distinguish `W` from `w`?',
    '`ILIKE` and `lower(…)` ignore case. In this exercise, the search is case-sensitive.',
    '`.whereRaw("strpos(title, ?) > 0", [search])`',
  ],
  newestFirst: [
    'In what order do you sort the posts?',
    'The exercise asks for the lowest ID first. That way, a new post appears at the end and doesn’t shift the others.',
    '`.orderBy("posts.id")`, without `"desc"`.',
  ],
} as const satisfies Record<string, Hints>

await chapter(import.meta.url, async ({ load, database, check, expectation, atEnd }) => {
  const { posts } = await load<typeof import('./solution/posts.ts')>('posts.ts', 'posts')
  const { url, knex } = await database({ tables: 'votes' })
  const secret = randomBytes(32).toString('base64url')
  const app = await buildApp({ databaseUrl: url, secret }, posts)
  atEnd(() => app.close())
  const [ada] = await knex('users').insert({ email: 'ada@example.com', password: 'no hash' }).returning('id')
  const headers = { authorization: `Bearer ${app.issueToken(ada)}` }

  // Makes Postgres return rows in the order of their hashes. By chance, it may choose a plan that sorts them.
  for (const option of ['sort', 'indexscan', 'indexonlyscan', 'bitmapscan', 'mergejoin'])
    await knex.raw(
      `do $$ begin execute format('alter database %I set enable_${option} = off', current_database()); end $$`,
    )

  const store = (...titles: readonly string[]) =>
    knex('posts').insert(titles.map((title) => ({ title, content: 'They grow.', owner_id: ada.id })))
  const get = (query: string) => app.inject({ url: `/posts?${query}`, headers })
  const getStatus = async (query: string): Promise<number> => (await get(query)).statusCode
  const list = async (query: string): Promise<{ id: number; title: string }[]> => {
    const response = await get(query)
    assert.equal(response.statusCode, 200, `\`?${query}\` returned an unexpected status.`)
    return response.json()
  }
  const listIds = async (query: string): Promise<number[]> => (await list(query)).map(({ id }) => id)
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
      await store(...from(1, POSTS).map((number) => `Post ${number}`))
      // The order is the subject of the last check.
      const expected = { '': 10, 'limit=2&skip=4': 2, [`skip=${POSTS - 3}`]: 3, [`skip=${POSTS + 1}`]: 0 }
      for (const [query, length] of Object.entries(expected))
        assert.equal(
          (await list(query)).length,
          length,
          `With ${POSTS} posts, \`?${query}\` returned an unexpected number of them.`,
        )
    },
  )

  await check(
    'out-of-range',
    'a limit that is below 1, above 100 or not a number returns a 422, and 1 and 100 are accepted',
    [
      'Request `?limit=101`, `?limit=0` and `?limit=ten`. What bounds does your schema have, and what status do you get?',
      'Put the bounds in the schema. Fastify replies to invalid values with 400. A `schemaErrorFormatter` or an error handler can change that to 422.',
      '`Type.Integer({ minimum: 1, maximum: 100, default: 10 })`, and `app.setSchemaErrorFormatter(([error]) => Object.assign(new Error(error?.message), { statusCode: 422 }))`.',
    ],
    async () => {
      const queries = ['limit=101', 'limit=0', 'limit=-1', 'limit=ten', 'skip=-1']
      const statuses = new Map<string, number>()
      for (const query of queries) statuses.set(query, await getStatus(query))
      await expectation('clamped', HINTS.clamped, async () => {
        const { length } = statuses.get('limit=101') === 200 ? await list('limit=101') : []
        assert.ok(length !== 100, '`?limit=101` returned 100 posts, as if nothing were wrong.')
      })
      const first = statuses.get('limit=101')
      if (first === 200) assert.equal(first, 422, '`?limit=101` returned an unexpected status.')
      await expectation('server-error', HINTS.serverError, () => {
        for (const [query, status] of statuses)
          assert.ok(
            status < 500,
            `\`?${query}\` returned the status ${status}, because the database rejected the number.`,
          )
      })
      await expectation('other-status', HINTS.otherStatus, () => {
        for (const [query, status] of statuses)
          assert.ok(status !== 400, `\`?${query}\` was rejected with the status 400 instead of 422.`)
      })
      await expectation('skip-out-of-range', HINTS.skipOutOfRange, async () => {
        // 2 ** 63: the first number that no OFFSET of Postgres can be.
        for (const query of ['skip=-1', 'skip=9223372036854775808'])
          assert.ok((await getStatus(query)) === 422, `\`?${query}\` returned an unexpected status.`)
      })
      for (const [query, status] of statuses)
        assert.equal(status, 422, `\`?${query}\` returned an unexpected status.`)
      await expectation('too-strict', HINTS.tooStrict, async () => {
        for (const limit of [1, 100])
          assert.equal(
            (await list(`limit=${limit}`)).length,
            limit,
            `\`?limit=${limit}\` returned an unexpected number of posts.`,
          )
      })
    },
  )

  await check(
    'coerced',
    'only digits are accepted: `1e1`, `0x10`, a space, a sign, an empty limit or a repeated limit returns a 422',
    [
      'Request `?limit=1e1`. How many posts do you get, and which part of Fastify converted the text?',
      'Fastify converts text to numbers before it applies the schema. Check the text first: it may contain only digits.',
      'In a `preValidation` hook, call `/^[0-9]+$/.test(request.query.limit)`. If it returns false, throw an error with `statusCode: 422`.',
    ],
    async () => {
      const numbers = ['1e1', '1.5', '0x10', '%205', '%2B5', '', '5&limit=6']
      for (const number of numbers)
        assert.equal(
          await getStatus(`limit=${number}`),
          422,
          `\`?limit=${number}\` returned an unexpected status.`,
        )
      assert.equal(await getStatus('skip=1e1'), 422, '`?skip=1e1` returned an unexpected status.')
    },
  )

  await check(
    'wildcards',
    '`%`, `_` and `\\` are ordinary characters in a search, and the search is case-sensitive',
    [
      'Create posts titled “100% wool” and “1000 sheep”, and search for `0%`. What do you get besides the first post?',
      'In a LIKE pattern, three characters have a special meaning. Escape them, or use a Postgres function that searches for plain text.',
      '`.whereRaw("strpos(title, ?) > 0", [query.search])`. `strpos` returns the position of the text in the title, or 0 if the title doesn’t contain it.',
    ],
    async () => {
      const titles = ['100% wool', '1000 sheep', 'a_b', 'axb', 'C:\\temp', 'C:temp', 'O’Hara and O\'Hara"s']
      await store(...titles)
      const expected: Record<string, string[]> = {
        '0%': ['100% wool'],
        '%': ['100% wool'],
        a_b: ['a_b'],
        '\\': ['C:\\temp'],
        '\\t': ['C:\\temp'],
        wool: ['100% wool'],
        "O'": ['O’Hara and O\'Hara"s'],
      }
      await expectation('any-case', HINTS.anyCase, async () =>
        assert.deepEqual(
          await list('search=Wool'),
          [],
          'A search for “Wool” found titles that contain “wool”.',
        ),
      )
      for (const [search, found] of Object.entries(expected)) {
        const shown = (await list(`search=${encodeURIComponent(search)}`)).map(({ title }) => title)
        assert.deepEqual(shown.sort(), found, `A search for “${search}” found unexpected titles.`)
      }
    },
  )

  await check(
    'no-order',
    'the pages contain each post once, sorted by ID, even if posts are edited between requests',
    [
      'The check edits the first post of each page before it requests the next page. Which posts appear twice, and which ones never appear?',
      'Without ORDER BY, Postgres returns rows in the order in which it finds them, and an edited row is stored in a different place. Sort by a unique column.',
      '`.orderBy("id")` before `.limit(…)`.',
    ],
    async () => {
      await knex('posts').delete()
      await store(...from(1, 20).map(() => 'Post'))
      const all = (await knex('posts').orderBy('id')).map(({ id }) => id)
      const seen: number[] = []
      for (let skip = 0; skip < all.length; skip += 5) {
        const page = await listIds(`limit=5&skip=${skip}`)
        seen.push(...page)
        await knex('posts').whereIn('id', page.slice(0, 1)).update({ title: 'Edited' })
      }
      await expectation('newest-first', HINTS.newestFirst, () =>
        assert.ok(
          seen.join() !== all.toReversed().join(),
          'The pages list the posts from the highest ID to the lowest.',
        ),
      )
      assert.equal(
        new Set(seen).size,
        all.length,
        'The pages contain an unexpected number of different posts.',
      )
      assert.deepEqual(seen, all, 'The pages list the posts in an unexpected order.')
    },
  )
})
