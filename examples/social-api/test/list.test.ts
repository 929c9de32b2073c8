import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

interface Plan {
  'Parent Relationship'?: string
  'Actual Loops': number
  Plans?: Plan[]
}

const flatten = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flatten)]

t.test(
  'a list is one statement, which counts the votes of the posts it answers with, and of no other',
  async (t) => {
    const { app, call, signUp } = await serve(t)
    const { id, token } = await signUp('ann@example.com')
    await app
      .knex('posts')
      .insert(Array.from({ length: 50 }, (_, n) => ({ title: `post ${n}`, content: '.', owner_id: id })))
    await app.knex('votes').insert(Array.from({ length: 50 }, (_, n) => ({ user_id: id, post_id: n + 1 })))

    const statements: { sql: string; bindings: string[] }[] = []
    app.knex.on('query', (query) => statements.push(query))
    const { body } = await call('GET', '/posts?limit=3&skip=20', { token })
    app.knex.removeAllListeners('query')
    t.same(
      body.map(({ Post, votes }: { Post: { id: number }; votes: number }) => [Post.id, votes]),
      [
        [21, 1],
        [22, 1],
        [23, 1],
      ],
    )

    const [caller, list, ...others] = statements
    t.match(caller?.sql, / from "users"/)
    t.match(list?.sql, /^SELECT posts/)
    t.same(others, [])

    const sql = list?.sql.replace(/\$\d+/g, '?') ?? ''
    const { rows } = await app.knex.raw(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, list?.bindings ?? [])
    const counts = flatten(rows[0]['QUERY PLAN'][0].Plan).filter(
      (node) => node['Parent Relationship'] === 'SubPlan',
    )
    t.same(
      counts.map((node) => node['Actual Loops']),
      [3],
    )
  },
)
