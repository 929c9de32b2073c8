import type { DbSession } from '@auth-primer/db-session'
import type { Knex } from 'knex'
import { Model, type ModelObject, type QueryBuilder } from 'objection'
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
    return Post.query(db).whereRaw('(published OR owner_id = ?)', [user.id])
  }

  /** The posts that this user may edit and delete: their own, and for an admin every published one. */
  static writableBy(user: User, db: Knex): QueryBuilder<Post> {
    return Post.query(db).where((post) => {
      post.where('owner_id', user.id)
      if (user.role === 'admin') post.orWhere('published', true)
    })
  }

  static async create(
    db: DbSession,
    { title, content, published, owner_id }: NewPost,
  ): Promise<ModelObject<Post>> {
    const { rows } = await db.query<ModelObject<Post>>(CREATE, [title, content, published, owner_id])
    return rows[0] as ModelObject<Post>
  }

  /** A page of the posts that this user may see, each with its owner and number of votes. */
  static async page(db: DbSession, user: User, { limit, skip, search }: Page): Promise<PostWithVotes[]> {
    const { rows } = await db.query<Row>(PAGE, [user.id, search, limit, skip])
    return rows.map(withOwner)
  }

  /** One post, if this user may see it, with its owner and number of votes. */
  static async findWithVotes(db: DbSession, user: User, id: number): Promise<PostWithVotes | undefined> {
    const { rows } = await db.query<Row>(ONE, [user.id, id])
    return rows.map(withOwner)[0]
  }

  /** Whether this user may see the post, which then stays until the session ends. */
  static async keep(db: DbSession, user: User, id: number): Promise<boolean> {
    const { rows } = await db.query(KEEP, [user.id, id])
    return rows.length > 0
  }
}

type NewPost = Pick<Post, 'title' | 'content' | 'published' | 'owner_id'>

interface Page {
  limit: number
  skip: number
  search: string
}

/** As `schemas/post.ts` has it. */
interface PostWithVotes {
  Post: Omit<ModelObject<Post>, 'owner'> & { owner: Pick<User, 'id' | 'email' | 'created_at'> }
  votes: number
}

// What is asked for most is plain SQL: to build these statements by a query builder costs more than to send them.
const CREATE = 'INSERT INTO posts (title, content, published, owner_id) VALUES ($1, $2, $3, $4) RETURNING *'
const VISIBLE = '(published OR owner_id = $1)'
const KEEP = `SELECT FROM posts WHERE ${VISIBLE} AND id = $2 FOR KEY SHARE`
// Not LIKE: here `%`, `_` and `\` are characters as any other.
const PAGE = withVotes(
  `SELECT * FROM posts WHERE ${VISIBLE} AND strpos(title, $2) > 0 ORDER BY id LIMIT $3 OFFSET $4`,
)
const ONE = withVotes(`SELECT * FROM posts WHERE ${VISIBLE} AND id = $2`)

/** With each post's owner and number of votes, which are counted for these posts alone. */
function withVotes(posts: string): string {
  const statement = `SELECT posts.*, owner.email, owner.created_at AS signed_up_at,
      (SELECT count(*)::int FROM votes WHERE votes.post_id = posts.id) AS votes
    FROM (${posts}) AS posts JOIN users AS owner ON owner.id = posts.owner_id
    ORDER BY posts.id`
  // It is one line of the log.
  return statement.replace(/\s+/g, ' ')
}

type Row = Omit<ModelObject<Post>, 'owner'> & { email: string; signed_up_at: Date; votes: number }

// Member by member: V8 is slow at the rest of an object.
function withOwner(row: Row): PostWithVotes {
  const { id, title, content, published, created_at, owner_id, email, signed_up_at, votes } = row
  const owner = { id: owner_id, email, created_at: signed_up_at }
  return { Post: { id, title, content, published, created_at, owner_id, owner }, votes }
}
