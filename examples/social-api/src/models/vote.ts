import type { DbSession } from '@auth-primer/db-session'
import { Model } from 'objection'

/** A row of `votes`: this user likes this post. */
export class Vote extends Model {
  static override tableName = 'votes'
  static override idColumn = ['user_id', 'post_id']

  declare user_id: number
  declare post_id: number

  /** False where the vote was there already, also by a request at the same moment. */
  static async add(db: DbSession, { user_id, post_id }: UserAndPost): Promise<boolean> {
    return (await db.query(ADD, [user_id, post_id])).rowCount === 1
  }

  /** False where there was none. */
  static async remove(db: DbSession, { user_id, post_id }: UserAndPost): Promise<boolean> {
    return (await db.query(REMOVE, [user_id, post_id])).rowCount === 1
  }
}

type UserAndPost = Pick<Vote, 'user_id' | 'post_id'>

const ADD = 'INSERT INTO votes (user_id, post_id) VALUES ($1, $2) ON CONFLICT (user_id, post_id) DO NOTHING'
const REMOVE = 'DELETE FROM votes WHERE user_id = $1 AND post_id = $2'
