import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Knex } from 'knex'
import { POST_BODY_LIMIT } from '../../platform/http.ts'
import { authenticate } from '../auth/tokens.ts'
import { Problem } from '../problem.ts'
import { User } from '../users/model.ts'
import { Post } from './model.ts'
import { createPost, deletePost, getPost, listPosts, replacePost } from './schemas.ts'

const READ = { db: { mode: 'read' } } as const

export const posts: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', authenticate)

  app.get('/posts', { config: READ, schema: listPosts }, async ({ caller, db, query }) =>
    Post.findPage(db, caller, query),
  )

  app.post(
    '/posts',
    { bodyLimit: POST_BODY_LIMIT, schema: createPost },
    async ({ caller, db, body: { title, content, published } }, reply) => {
      const owner_id = caller.id
      const post = await Post.query(db).insert({ title, content, published, owner_id }).returning('*')
      reply.code(201).header('location', `/posts/${post.id}`)
      return { ...post, owner: caller }
    },
  )

  app.get('/posts/:id', { config: READ, schema: getPost }, async ({ caller, db, params: { id } }) => {
    const post = await Post.findOne(db, caller, id)
    if (post === undefined) throw postNotFound(id)
    return post
  })

  app.put(
    '/posts/:id',
    { bodyLimit: POST_BODY_LIMIT, schema: replacePost },
    async ({ caller, db, params: { id }, body: { title, content, published } }) => {
      const patch = Post.writableBy(caller, db).where('id', id).patch({ title, content, published })
      const [post] = await patch.returning('*')
      if (post === undefined) throw await whyWriteFailed(caller, db, id)
      // An admin may edit the post of another user.
      const owner = await User.query(db).findById(post.owner_id).throwIfNotFound()
      return { ...post, owner }
    },
  )

  app.delete('/posts/:id', { schema: deletePost }, async ({ caller, db, params: { id } }, reply) => {
    const count = await Post.writableBy(caller, db).where('id', id).delete()
    if (count === 0) throw await whyWriteFailed(caller, db, id)
    return reply.code(204).send(null)
  })
}

/** Returns the same problem for a post that does not exist and for one that this user may not see. */
export function postNotFound(id: number): Problem {
  return new Problem('NOT_FOUND', `No post has the id ${id}.`)
}

/** Returns the reason why a write changed no row: the post belongs to another user, or is not there for this one. */
async function whyWriteFailed(user: User, db: Knex, id: number): Promise<Problem> {
  const post = await Post.visibleTo(user, db).findById(id)
  return post ? new Problem('NOT_OWNER') : postNotFound(id)
}
