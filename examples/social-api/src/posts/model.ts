import type { DbSession } from '@auth-primer/db-session'
import type { Static } from '@sinclair/typebox'
import type { Knex } from 'knex'
import { Model, type ModelObject, type QueryBuilder } from 'objection'
import type { User } from '../users/model.ts'
import type { PostOut, PostQuery } from './schemas.ts'

// Writes and reads of one table are Objection. The two reads that join and count, a page of posts and one post, are SQL:
// in Objection each would be two queries, and they are what clients ask for most.

/** A row of `posts`. `schemas.ts` has the responses for it. */
export class Post extends Model {
  static override tableName = 'posts'

  declare id: number
  declare title: string
  declare content: string
  declare published: boolean
  declare created_at: Date
  declare owner_id: number

  /** The posts that this user may see: every published one, and all of their own. */
  static visibleTo(user: User, db: Knex): QueryBuilder<Post> {
    return Post.query(db).whereRaw(isVisibleTo('?'), [user.id])
  }

  /** The posts that this user may edit and delete: their own, and for an admin every published one. */
  static writableBy(user: User, db: Knex): QueryBuilder<Post> {
    return Post.query(db).where((post) => {
      post.where('owner_id', user.id)
      if (user.role === 'admin') post.orWhere('published', true)
    })
  }

  /** Locks the post until the transaction ends. Returns false if it does not exist, or this user may not see it. */
  static async lockIfVisible(db: Knex, user: User, id: number): Promise<boolean> {
    const post = await Post.visibleTo(user, db).select('id').findById(id).forKeyShare()
    return post !== undefined
  }

  /** Returns a page of the posts that this user may see, each with its owner and number of votes. */
  static async findPage(db: DbSession, user: User, page: Static<typeof PostQuery>) {
    const { rows } = await db.query<Row>(PAGE, [user.id, page.search, page.limit, page.skip])
    return rows.map(toPostWithVotes)
  }

  /** Returns one post with its owner and number of votes, if this user may see it. */
  static async findOne(db: DbSession, user: User, id: number): Promise<PostWithVotes | undefined> {
    const { rows } = await db.query<Row>(ONE, [user.id, id])
    return rows.map(toPostWithVotes)[0]
  }
}

function isVisibleTo(parameter: '?' | '$1'): string {
  return `(published OR owner_id = ${parameter})`
}

// Not LIKE: `%`, `_` and `\` are plain characters here.
const PAGE = withVotes(`strpos(title, $2) > 0 ORDER BY id LIMIT $3 OFFSET $4`)
const ONE = withVotes('id = $2')

/** Counts the votes of the posts that match, and of no others. */
function withVotes(condition: string): string {
  const statement = `SELECT posts.*, owner.email, owner.created_at AS signed_up_at,
      (SELECT count(*)::int FROM votes WHERE votes.post_id = posts.id) AS votes
    FROM (SELECT * FROM posts WHERE ${isVisibleTo('$1')} AND ${condition}) AS posts
    JOIN users AS owner ON owner.id = posts.owner_id
    ORDER BY posts.id`
  // Collapses white space, so that it is one line in the log.
  return statement.replace(/\s+/g, ' ')
}

type PostWithVotes = Static<typeof PostOut>
type Row = ModelObject<Post> & { email: string; signed_up_at: Date; votes: number }

// Member by member: V8 is slow at `...rest`.
function toPostWithVotes(row: Row): PostWithVotes {
  const { id, title, content, published, created_at, owner_id, email, signed_up_at, votes } = row
  const owner = { id: owner_id, email, created_at: signed_up_at }
  return { Post: { id, title, content, published, created_at, owner_id, owner }, votes }
}
