import { expectStatus, expectThat, type Stage } from '../check.ts'
import { findPost, newPost, pathOf, toObject } from '../subject.ts'

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
        const [ada, bob] = [await subject.account('ada'), await subject.account('bob')]
        const post = await subject.createPost({}, ada.token)
        expectStatus(
          await subject.request('PUT', pathOf(post.id), { token: bob.token, json: newPost() }),
          403,
          404,
        )
        const received = expectStatus(await subject.getPost(post, ada.token), 200)
        expectThat(
          findPost(toObject(received, 'a JSON object with the post')).title === post.title,
          'the unchanged post',
          received,
        )
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
        const [ada, bob] = [await subject.account('ada'), await subject.account('bob')]
        const post = await subject.createPost({}, ada.token)
        expectStatus(await subject.request('DELETE', pathOf(post.id), { token: bob.token }), 403, 404)
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
        const { email, password, token } = await subject.account('ada')
        const post = await subject.createPost({}, token)
        const later = await subject.tokenOf({ email, password })
        expectStatus(
          await subject.request('PUT', pathOf(post.id), { token: later, json: newPost() }),
          200,
          204,
        )
        expectStatus(await subject.request('DELETE', pathOf(post.id), { token: later }), 200, 202, 204)
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
        const [ada, bob] = [await subject.account('ada'), await subject.account('bob')]
        const fields = { ...newPost(), owner_id: ada.id, ownerId: ada.id, owner: ada.id, user_id: ada.id }
        const received = await subject.request('POST', '/posts', { token: bob.token, json: fields })
        if (received.status === 400 || received.status === 422) return
        const post = findPost(toObject(expectStatus(received, 201, 200), 'a JSON object with the new post'))
        const path = pathOf(post.id as string)
        expectStatus(await subject.request('PUT', path, { token: bob.token, json: newPost() }), 200, 204)
      },
    },
  ],
}
