import type { Knex } from 'knex'
import { Model, raw } from 'objection'

/** A row of `votes`: this user likes this post. */
export class Vote extends Model {
  static override tableName = 'votes'
  static override idColumn = ['user_id', 'post_id']

  declare user_id: number
  declare post_id: number
  /** Only on the result of an insert. */
  declare is_new?: true

  /** Returns false if the vote exists already, even by a request at the same moment. */
  static async add(db: Knex, vote: Pick<Vote, 'user_id' | 'post_id'>): Promise<boolean> {
    const insert = Vote.query(db).insert(vote).onConflict(['user_id', 'post_id']).ignore()
    // A conflict returns no row, but Objection's result is an object in either case.
    const { is_new = false } = await insert.returning(raw('true AS is_new'))
    return is_new
  }

  /** Returns false if there is no such vote. */
  static async remove(db: Knex, { user_id, post_id }: Pick<Vote, 'user_id' | 'post_id'>): Promise<boolean> {
    return (await Vote.query(db).deleteById([user_id, post_id])) > 0
  }
}
