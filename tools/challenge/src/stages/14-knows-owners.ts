import { expectStatus, need, type Stage } from '../check.ts'
import {
  type Account,
  findPost,
  newPost,
  PATHS,
  pathOf,
  requireId,
  type Subject,
  toObject,
} from '../subject.ts'

export const knowsOwners: Stage = {
  number: '14',
  slug: 'knows-owners',
  title: 'Only the owner can change a post',
  checks: [
    {
      id: 'stranger-edits',
      title: 'another user cannot edit a post',
      hints: [
        'Log in as a second user, and edit the first user’s post. What status do you get?',
        'Store the owner with the post, and compare the owner with the user in the token.',
        'SQL: `UPDATE … WHERE id = $1 AND owner_id = $2`. If no row was changed, send a 403 or a 404.',
      ],
      async run(subject) {
        const [ada, bob] = [await subject.author('ada'), await subject.author('bob')]
        const post = await subject.needReadablePost(ada.token)
        expectStatus(
          await subject.request('PUT', pathOf(post.id), { ...asStranger(bob), json: newPost() }),
          403,
          404,
        )
        await subject.expectPost(post, `the unchanged post, with the title “${post.title}”`, ada.token)
      },
    },
    {
      id: 'stranger-deletes',
      title: 'another user cannot delete a post',
      hints: [
        'Log in as a second user, and delete the first user’s post. What status do you get?',
        'DELETE needs the same rule as PUT.',
        'SQL: `DELETE FROM posts WHERE id = $1 AND owner_id = $2`.',
      ],
      async run(subject) {
        const [ada, bob] = [await subject.author('ada'), await subject.author('bob')]
        const post = await subject.needReadablePost(ada.token)
        expectStatus(await subject.request('DELETE', pathOf(post.id), asStranger(bob)), 403, 404)
        expectStatus(await subject.getPost(post, ada.token), 200)
      },
    },
    {
      id: 'owner-refused',
      title: 'the owner can edit and delete the post',
      hints: [
        'Log in again as the owner. What status does PUT return?',
        'Compare values of the same type: `sub` is a string, but an ID is often a number.',
        'Node: `Number(claims.sub) === post.owner_id`.',
      ],
      async run(subject) {
        const ada = await subject.author('ada')
        const post = await subject.needPost({}, ada.token)
        const { token } = await subject.needLogin(ada)
        const credentials = 'with a token from a later login'
        await expectEdit(subject, post.id, { token, credentials })
        const path = pathOf(post.id)
        expectStatus(await subject.request('DELETE', path, { token, credentials }), 200, 202, 204)
      },
    },
    {
      id: 'owner-from-body',
      title: 'the owner is the user in the token, whatever the body says',
      hints: [
        'Create a post with `owner_id` in the body. Who owns the post?',
        'Take the owner only from the token. Ignore or reject other members of the body.',
        'Insert named properties: `{ title, content, owner_id: callerId }`, never the whole body.',
      ],
      async run(subject) {
        const [ada, { token }] = [await subject.account('ada'), await subject.author('bob')]
        await need('a post that its owner can edit', async () =>
          expectEdit(subject, (await subject.needPost({}, token)).id, { token }),
        )
        const fields = { ...newPost(), owner_id: ada.id, ownerId: ada.id, owner: ada.id, user_id: ada.id }
        const received = await subject.request('POST', PATHS.posts, { token, json: fields })
        if (received.status === 400 || received.status === 422) return
        const post = findPost(toObject(expectStatus(received, 201, 200), 'a JSON object with the new post'))
        const credentials = 'with the token that created the post'
        await expectEdit(subject, requireId(post, received), { token, credentials })
      },
    },
  ],
}

/** The credentials of a user who does not own the post. */
function asStranger({ token }: Account): { token: string; credentials: string } {
  return { token, credentials: 'with another user’s token' }
}

/** Edits a post, and expects that the owner may. */
async function expectEdit(
  subject: Subject,
  id: string | number,
  credentials: { token: string; credentials?: string },
): Promise<void> {
  expectStatus(await subject.request('PUT', pathOf(id), { ...credentials, json: newPost() }), 200, 204)
}
