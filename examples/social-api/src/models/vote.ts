import type { Knex } from 'knex'
import { Model } from 'objection'

/** A row of `votes`: this user likes this post. */
export class Vote extends Model {
  static override tableName = 'votes'
  static override idColumn = ['user_id', 'post_id']

  declare user_id: number
  declare post_id: number

  /** False where the vote was there already, also by a request at the same moment. */
  static async add(db: Knex, vote: { user_id: number; post_id: number }): Promise<boolean> {
    const added = await db('votes')
      .insert(vote)
      .onConflict(['user_id', 'post_id'])
      .ignore()
      .returning('post_id')
    return added.length === 1
  }

  /** False where there was none. */
  static async remove(db: Knex, vote: { user_id: number; post_id: number }): Promise<boolean> {
    return (await db('votes').where(vote).delete()) === 1
  }
}
