import type { Knex } from 'knex'
import { Post } from './models/post.ts'
import type { User } from './models/user.ts'
import { Problem } from './problem.ts'

/** The same whether there is no such post, or one that this user may not know of. */
export function noPost(id: number): Problem {
  return new Problem('NOT_FOUND', `No post has the id ${id}.`)
}

/** Why a write touched no row: the post is somebody else's, or is not there for this user. */
export async function refusedWrite(user: User, db: Knex, id: number): Promise<Problem> {
  const post = await Post.visibleTo(user, db).findById(id)
  return post ? new Problem('NOT_OWNER', 'Only its owner may change a post.') : noPost(id)
}
