import type { Knex } from 'knex'
import { Model, type QueryBuilder, raw } from 'objection'
import { User } from './user.ts'
import { Vote } from './vote.ts'

/** A row of `posts`. What a client is shown of it is `schemas/post.ts`. */
export class Post extends Model {
  static override tableName = 'posts'

  declare id: number
  declare title: string
  declare content: string
  declare published: boolean
  declare created_at: Date
  declare owner_id: number

  declare owner: User

  static override relationMappings = () => ({
    owner: {
      relation: Model.BelongsToOneRelation,
      modelClass: User,
      join: { from: 'posts.owner_id', to: 'users.id' },
    },
    votes: {
      relation: Model.HasManyRelation,
      modelClass: Vote,
      join: { from: 'posts.id', to: 'votes.post_id' },
    },
  })

  /** The posts that this user may see: every published one, and all of their own. */
  static visibleTo(user: User, db: Knex): QueryBuilder<Post> {
    return Post.query(db).where((post) => post.where('published', true).orWhere('owner_id', user.id))
  }

  /** The posts that this user may edit and delete: their own, and for an admin every published one. */
  static writableBy(user: User, db: Knex): QueryBuilder<Post> {
    return Post.query(db).where((post) => {
      post.where('owner_id', user.id)
      if (user.role === 'admin') post.orWhere('published', true)
    })
  }

  /** Adds each post's owner and number of votes, in one statement that counts for these posts alone. */
  static async withVotes(db: Knex, posts: QueryBuilder<Post>) {
    const votes = Post.relatedQuery('votes').select(raw('count(*)::int'))
    const rows = await Post.query(db)
      .from(posts.as('posts'))
      .joinRelated('owner')
      .select('posts.*', 'owner.email', 'owner.created_at as signed_up_at', votes.as('votes'))
      .orderBy('posts.id')
      .castTo<(Post & { email: string; signed_up_at: Date; votes: number })[]>()
    return rows.map(({ email, signed_up_at, votes, ...post }) => ({
      Post: { ...post, owner: { id: post.owner_id, email, created_at: signed_up_at } },
      votes,
    }))
  }
}
