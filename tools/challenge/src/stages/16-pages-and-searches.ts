import { randomBytes } from 'node:crypto'
import { Blocked, expectNoServerError, expectStatus, Failure, type Stage } from '../check.ts'
import { newPost, PATHS, type PostList, type Subject } from '../subject.ts'

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
        await subject.needPosts([newPost().title, newPost().title, newPost().title])
        await subject.needList()
        expectCount(await subject.listPosts({ limit: '2' }), 2)
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
        const word = await needSearchablePosts(subject, ['a', 'b', 'c', 'd'])
        const all = await needCount(subject, { search: word, limit: '4' }, 4)
        const first = await needCount(subject, { search: word, limit: '2' }, 2)
        const second = await subject.listPosts({ search: word, limit: '2', skip: '2' })
        const ids = [...first.posts, ...second.posts].map(({ id }) => id)
        if (ids.join() !== all.posts.map(({ id }) => id).join())
          throw new Failure(
            `two pages with the posts ${all.posts.map(({ id }) => id).join(', ')}`,
            `two pages with the posts ${ids.join(', ')}`,
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
        const word = newWord()
        await subject.needPosts([`${word} one`, newPost().title])
        await subject.needList()
        const { posts, received } = expectCount(await subject.listPosts({ search: word }), 1)
        if (!String(posts[0]?.title).includes(word))
          throw new Failure(`a post whose title contains ${word}`, 'a post with another title', received.sent)
        expectCount(await subject.listPosts({ search: `${word} with something else` }), 0)
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
        const word = await needSearchablePosts(subject, ['50% off', '50 of 100', 'a_b', 'axb'])
        for (const [search, expected] of [
          [`${word} 50%`, 1],
          [`${word} a_b`, 1],
          [`%${word}`, 0],
        ] as const)
          expectCount(await subject.listPosts({ search }), expected)
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
        await needSearchablePosts(subject, ['one'])
        for (const search of ["'", "' OR '1'='1", "'; DROP TABLE no_such_table; --", '\\'])
          expectCount(await subject.listPosts({ search: `no such title ${search}` }), 0)
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
        await subject.needList()
        const token = await subject.writer()
        for (const query of ['limit=-1', 'limit=tomato', 'skip=-1', 'limit=99999999999999999999'])
          expectNoServerError(await subject.request('GET', `${PATHS.posts}?${query}`, { token }))
        expectStatus(await subject.request('GET', `${PATHS.posts}?limit=5`, { token }), 200)
      },
    },
  ],
}

function newWord(): string {
  return `q${randomBytes(6).toString('hex')}`
}

/** Creates a post for each ending, for a check that finds them with a search for the word with which their titles begin. */
async function needSearchablePosts(subject: Subject, endings: readonly string[]): Promise<string> {
  const word = newWord()
  await subject.needPosts(endings.map((ending) => `${word} ${ending}`))
  await needCount(subject, { search: word }, endings.length)
  await needCount(subject, { search: `${word} with something else` }, 0)
  return word
}

/** Requests a list that must have this many posts, for a check that builds on it. */
async function needCount(
  subject: Subject,
  query: Readonly<Record<string, string>>,
  count: number,
): Promise<PostList> {
  const list = await subject.needList(query)
  if (list.posts.length === count) return list
  const path = list.received.sent.path
  throw new Blocked(
    `This check needs a list that works. GET ${path}: expected ${countPosts(count)}, got ${countPosts(list.posts.length)}.`,
  )
}

function expectCount(list: PostList, count: number): PostList {
  if (list.posts.length === count) return list
  throw new Failure(countPosts(count), countPosts(list.posts.length), list.received.sent)
}

function countPosts(count: number): string {
  return count === 0 ? 'no post' : count === 1 ? 'one post' : `${count} posts`
}
