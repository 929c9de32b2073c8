import { expectStatus, expectThat, type Stage } from '../check.ts'
import { findPost, newPost, PATHS, pathOf, toObject, unusedId } from '../subject.ts'

export const createsAndReadsPosts: Stage = {
  number: '03',
  slug: 'creates-and-reads-posts',
  title: 'Posts are created and read',
  checks: [
    {
      id: 'post-created',
      title: 'POST /posts creates a post and returns it',
      hints: [
        'What does your handler return after it has stored the post?',
        'Return the stored post, including its `id`, with the status 201.',
        'SQL: `INSERT … RETURNING *`. The response has at least `id`, `title` and `content`.',
      ],
      async run(subject) {
        const json = newPost()
        const received = await subject.request('POST', PATHS.posts, { json, token: await subject.writer() })
        expectStatus(received, 201, 200)
        const post = findPost(toObject(received, 'a JSON object with the new post'))
        expectThat(['number', 'string'].includes(typeof post.id), 'the new post with its `id`', received)
        expectThat(
          post.title === json.title && post.content === json.content,
          'the title and the content that were sent',
          received,
        )
      },
    },
    {
      id: 'post-read',
      title: 'GET /posts/{id} returns the post',
      hints: [
        'Create a post, and request it by the `id` in the response.',
        'The route has a parameter, `/posts/:id` or `/posts/{id}`, and its handler selects the row with that ID.',
        'SQL: `SELECT * FROM posts WHERE id = $1`.',
      ],
      async run(subject) {
        const post = await subject.needPost()
        await subject.expectPost(post, `the post with the title “${post.title}”`)
      },
    },
    {
      id: 'posts-differ',
      title: 'two posts have different IDs, and each post can be found by its ID',
      hints: [
        'Create two posts. Do their IDs differ?',
        'Have the database generate the ID.',
        'SQL: `id serial PRIMARY KEY`, or `id uuid PRIMARY KEY DEFAULT gen_random_uuid()`.',
      ],
      async run(subject) {
        const first = await subject.needReadablePost()
        const second = await subject.needPost()
        const expected = `the first of two posts, with the title “${first.title}”`
        const received = await subject.expectPost(first, expected)
        expectThat(first.id !== second.id, 'two posts with different IDs', received)
      },
    },
    {
      id: 'post-missing',
      title: 'a request for a post that does not exist returns a 404',
      hints: [
        'Request an ID that no post has. What does the database return?',
        'If the database finds no row, that isn’t an error. Your handler must check for this case and send a 404.',
        'Fastify: `if (!post) return reply.code(404).send(…)`. FastAPI: `raise HTTPException(404)`.',
      ],
      async run(subject) {
        const path = pathOf(unusedId((await subject.needPost()).id))
        expectStatus(await subject.request('GET', path, { token: await subject.writer() }), 404)
      },
    },
    {
      id: 'post-listed',
      title: 'GET /posts lists posts',
      hints: [
        'Request /posts after creating a post. Is the response a list?',
        'Select the posts and return them as a JSON array.',
        'SQL: `SELECT * FROM posts ORDER BY id`. An object that contains the array works, too.',
      ],
      async run(subject) {
        await subject.needPost()
        const { received, posts } = await subject.listPosts({})
        expectThat(
          posts.length > 0 && posts.every(({ id, title }) => id !== undefined && title !== undefined),
          'a list of posts, each with `id` and `title`',
          received,
        )
      },
    },
  ],
}
