import t from 'tap'
import { formatSql } from '../page/sql.js'

t.test('formatSql() breaks a long statement at its clauses, and changes only white space', async (t) => {
  const statements: [string, string][] = [
    [
      'select "users".* from "users" where "users"."id" = $1',
      'select "users".* from "users" where "users"."id" = $1',
    ],
    [
      'SELECT posts.*, owner.email, (SELECT count(*)::int FROM votes WHERE votes.post_id = posts.id) AS votes FROM (SELECT * FROM posts WHERE (published OR owner_id = $1) AND strpos(title, $2) > 0 ORDER BY id LIMIT $3 OFFSET $4) AS posts JOIN users AS owner ON owner.id = posts.owner_id ORDER BY posts.id',
      `SELECT posts.*, owner.email, (SELECT count(*)::int FROM votes WHERE votes.post_id = posts.id) AS votes
FROM (SELECT *
  FROM posts
  WHERE (published OR owner_id = $1) AND strpos(title, $2) > 0
  ORDER BY id
  LIMIT $3 OFFSET $4) AS posts
JOIN users AS owner ON owner.id = posts.owner_id
ORDER BY posts.id`,
    ],
    [
      'insert into "votes" ("post_id", "user_id") values ($1, $2) on conflict ("user_id", "post_id") do update set "post_id" = $3 returning *',
      `insert into "votes" ("post_id", "user_id")
values ($1, $2)
on conflict ("user_id", "post_id") do update set "post_id" = $3
returning *`,
    ],
    [
      'BEGIN READ ONLY; SET LOCAL statement_timeout = 10000; SET LOCAL lock_timeout = 1000',
      'BEGIN READ ONLY;\nSET LOCAL statement_timeout = 10000;\nSET LOCAL lock_timeout = 1000',
    ],
    [
      `DELETE FROM "a" WHERE b IS DISTINCT FROM extract(year FROM c) AND d = 'x  where;  y' AND e = "or  from"`,
      `DELETE FROM "a"\nWHERE b IS DISTINCT FROM extract(year FROM c) AND d = 'x  where;  y' AND e = "or  from"`,
    ],
    ['SELECT (', 'SELECT ('],
    ['', ''],
  ]
  for (const [sql, formatted] of statements) {
    t.equal(formatSql(sql), formatted)
    t.equal(formatSql(sql).replaceAll(/\s+/g, ''), sql.replaceAll(/\s+/g, ''))
  }
})
