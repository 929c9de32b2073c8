import { randomBytes } from 'node:crypto'
import { expectNoServerError, expectStatus, Failure, type Stage } from '../check.ts'
import { PATHS, type Subject } from '../subject.ts'

export const pagesAndSearches: Stage = {
  number: '16',
  slug: 'pages-and-searches',
  title: 'Lists have paging and search',
  checks: [
    {
      id: 'limit-ignored',
      title: '`limit` restricts the number of posts',
      hints: [
        'Request /posts?limit=2. How many posts do you get?',
        'Pass the parameter to the statement’s LIMIT clause.',
        'Query parameters are text. Have the schema convert `limit` to an integer, with a default of 10.',
      ],
      async run(subject) {
        for (let count = 0; count < 3; count++) await subject.createPost()
        const { posts, received } = await subject.listPosts({ limit: '2' })
        if (posts.length !== 2) throw new Failure('two posts', count(posts.length), received.sent)
      },
    },
    {
      id: 'skip-ignored',
      title: '`skip` continues where the previous page ended, in the same order',
      hints: [
        'Request two pages of two posts each. Does any post appear twice?',
        'Without ORDER BY, Postgres may return the rows in any order, even a different order for each page.',
        'SQL: `ORDER BY id LIMIT $1 OFFSET $2`.',
      ],
      async run(subject) {
        const word = await createPosts(subject, ['a', 'b', 'c', 'd'])
        const all = (await subject.listPosts({ search: word, limit: '4', skip: '0' })).posts
        const first = (await subject.listPosts({ search: word, limit: '2', skip: '0' })).posts
        const second = await subject.listPosts({ search: word, limit: '2', skip: '2' })
        const ids = [...first, ...second.posts].map(({ id }) => id)
        if (new Set(ids).size !== 4 || ids.join() !== all.map(({ id }) => id).join())
          throw new Failure(
            'two pages with the four posts, in the order of the whole list',
            'different posts, or a different order',
            second.received.sent,
          )
      },
    },
    {
      id: 'search-ignored',
      title: '`search` finds posts whose title contains the text, and no others',
      hints: [
        'Request /posts?search= with a word that only one title contains. Which posts do you get?',
        'Compare the title with the text in the statement’s WHERE clause.',
        'SQL: `strpos(title, $1) > 0`, or LIKE with the text’s `%`, `_` and `\\` escaped.',
      ],
      async run(subject) {
        const word = await createPosts(subject, ['one'])
        await subject.createPost()
        const { posts, received } = await subject.listPosts({ search: word })
        if (posts.length !== 1 || !String(posts[0]?.title).includes(word))
          throw new Failure('one post', count(posts.length), received.sent)
        const none = await subject.listPosts({ search: `${word} with something else` })
        if (none.posts.length > 0) throw new Failure('no post', count(none.posts.length), none.received.sent)
      },
    },
    {
      id: 'search-has-wildcards',
      title: 'in a search, % and _ are ordinary characters',
      hints: [
        'Search for `50%`. Do you also get a title with “50 of 100”?',
        'In LIKE, `%` matches any text and `_` any character.',
        'SQL: `strpos(title, $1) > 0` has no wildcards.',
      ],
      async run(subject) {
        const word = await createPosts(subject, ['50% off', '50 of 100', 'a_b', 'axb'])
        for (const [search, expected] of [
          [`${word} 50%`, 1],
          [`${word} a_b`, 1],
          [`%${word}`, 0],
        ] as const) {
          const { posts, received } = await subject.listPosts({ search })
          if (posts.length !== expected)
            throw new Failure(count(expected), count(posts.length), received.sent)
        }
      },
    },
    {
      id: 'search-injects',
      title: 'a search cannot change the SQL statement',
      hints: [
        'Search for a single quote. What status do you get?',
        'Never build a statement from pieces of text. Pass the text as a parameter.',
        'SQL: `WHERE strpos(title, $1) > 0` with the values `[search]`.',
      ],
      async run(subject) {
        await subject.createPost()
        for (const search of ["'", "' OR '1'='1", "'; DROP TABLE no_such_table; --", '\\']) {
          const { posts, received } = await subject.listPosts({ search: `no such title ${search}` })
          if (posts.length > 0) throw new Failure('no post', count(posts.length), received.sent)
        }
      },
    },
    {
      id: 'limit-unbounded',
      title: 'a limit that makes no sense does not cause a server error',
      hints: [
        'Request /posts?limit=-1, and then use a word as the limit. What statuses do you get?',
        'Validate the query parameters, with a minimum and a maximum.',
        'TypeBox: `Type.Integer({ minimum: 1, maximum: 100, default: 10 })`. FastAPI: `Query(10, ge=1, le=100)`.',
      ],
      async run(subject) {
        const token = await subject.writer()
        for (const query of ['limit=-1', 'limit=tomato', 'skip=-1', 'limit=99999999999999999999'])
          expectNoServerError(await subject.request('GET', `${PATHS.posts}?${query}`, { token }))
        expectStatus(await subject.request('GET', `${PATHS.posts}?limit=5`, { token }), 200)
      },
    },
  ],
}

/** Creates a post for each ending, and returns the word with which their titles begin. */
async function createPosts(subject: Subject, endings: readonly string[]): Promise<string> {
  const word = `q${randomBytes(6).toString('hex')}`
  for (const ending of endings) await subject.createPost({ title: `${word} ${ending}` })
  return word
}

function count(posts: number): string {
  return posts === 1 ? 'one post' : `${posts} posts`
}
