import { open } from './open.ts'

const knex = await open('CREATE TABLE votes (user_id integer, post_id integer)')

// #region at-once
const vote = { user_id: 1, post_id: 1 }
const first = await knex.transaction()
const second = await knex.transaction()

console.log('first looks: ', await first('votes').where(vote))
console.log('second looks:', await second('votes').where(vote))

await first('votes').insert(vote)
await second('votes').insert(vote)
await first.commit()
await second.commit()

console.log('in the table:', await knex('votes').where(vote))
// #endregion
await knex.destroy()
