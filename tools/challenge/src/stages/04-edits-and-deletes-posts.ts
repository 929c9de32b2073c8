import { expectStatus, expectThat, need, type Stage } from '../check.ts'
import { findPost, needDifferentIds, newPost, pathOf, toObject, unusedId } from '../subject.ts'

export const editsAndDeletesPosts: Stage = {
  number: '04',
  slug: 'edits-and-deletes-posts',
  title: 'Posts are edited and deleted',
  checks: [
    {
      id: 'post-edited',
      title: 'PUT /posts/{id} changes the post',
      hints: [
        'Change a post, and request it again. Does it have the new title?',
        'The handler must update the row with this ID and wait for the database.',
        'SQL: `UPDATE posts SET title = $1, content = $2 WHERE id = $3 RETURNING *`.',
      ],
      async run(subject) {
        const { id } = await subject.needReadablePost()
        const json = newPost()
        const token = await subject.writer()
        expectStatus(await subject.request('PUT', pathOf(id), { json, token }), 200, 204)
        const received = expectStatus(await subject.getPost({ id }), 200)
        const post = findPost(toObject(received, 'a JSON object with the post'))
        expectThat(
          post.title === json.title && post.content === json.content,
          `the new title “${json.title}” and the new content`,
          received,
        )
      },
    },
    {
      id: 'edit-checked',
      title: 'PUT /posts/{id} validates its body, too',
      hints: [
        'Send a PUT without a title. What happens to the post?',
        'Use the schema from POST /posts for PUT /posts/{id}, too.',
        'Fastify: `{ schema: { body: PostIn } }` on both routes. FastAPI: the same model on both.',
      ],
      async run(subject) {
        const post = await subject.needReadablePost()
        const token = await subject.writer()
        expectStatus(
          await subject.request('PUT', pathOf(post.id), { json: { title: 5, text: 'x' }, token }),
          400,
          422,
        )
        await subject.expectPost(post, `the unchanged post, with the title “${post.title}”`)
      },
    },
    {
      id: 'post-deleted',
      title: 'DELETE /posts/{id} deletes the post',
      hints: [
        'Delete a post, and request it again. What status do you get?',
        'The handler must delete the row with this ID. GET then finds nothing and returns a 404.',
        'SQL: `DELETE FROM posts WHERE id = $1`. Return the status 204, without a body.',
      ],
      async run(subject) {
        const { id } = await subject.needReadablePost()
        const token = await subject.writer()
        expectStatus(await subject.request('DELETE', pathOf(id), { token }), 204, 200, 202)
        expectStatus(await subject.getPost({ id }), 404, 410)
      },
    },
    {
      id: 'other-posts-kept',
      title: 'editing or deleting one post leaves the other posts unchanged',
      hints: [
        'How many rows does your UPDATE or DELETE affect?',
        'Without a WHERE, a statement affects every row of the table.',
        'SQL: `… WHERE id = $1`.',
      ],
      async run(subject) {
        const [first, second] = [await subject.needPost(), await subject.needPost()]
        const third = await subject.needReadablePost()
        needDifferentIds([first, second, third])
        const token = await subject.writer()
        await need('a post that can be edited', async () =>
          expectStatus(await subject.request('PUT', pathOf(first.id), { json: newPost(), token }), 200, 204),
        )
        await need('a post that can be deleted', async () =>
          expectStatus(await subject.request('DELETE', pathOf(second.id), { token }), 204, 200, 202),
        )
        await subject.expectPost(third, `the unchanged third post, with the title “${third.title}”`)
      },
    },
    {
      id: 'edit-missing',
      title: 'PUT and DELETE return a 404 for a post that does not exist',
      hints: [
        'How does your handler know whether there was a row to change?',
        'The database returns the number of rows that it changed. If that number is 0, send a 404.',
        'SQL: in that case, `RETURNING *` returns no row. FastAPI: `if post is None: raise HTTPException(404)`.',
      ],
      async run(subject) {
        const path = pathOf(unusedId((await subject.needPost()).id))
        const token = await subject.writer()
        expectStatus(await subject.request('PUT', path, { json: newPost(), token }), 404, 410)
        expectStatus(await subject.request('DELETE', path, { token }), 404, 410)
      },
    },
  ],
}
