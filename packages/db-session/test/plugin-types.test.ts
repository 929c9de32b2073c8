/** Checked by `tsc`: the routes are never asked for anything. */
import Fastify, { type FastifyRequest } from 'fastify'
import type { Knex } from 'knex'
import t from 'tap'
import { type DbSession, dbSession } from '../src/index.ts'

interface User {
  id: number
  email: string
}
const app = Fastify()
const read = { config: { db: { mode: 'read' } } } as const
const anyKnex = (db: Knex) => db
const writes = (db: DbSession<'write'>) => db
const reads = (db: DbSession<'read'>) => db
const either = (db: DbSession) => db
const hook = async (request: FastifyRequest) => void either(request.db)

t.test('a route that says so has a session of mode read, which writes nothing', (t) => {
  app.get('/read', { config: { db: { mode: 'read' } } }, async (request) => {
    const mode: 'read' = request.db.mode
    const emails: { email: string }[] = await request.db<User>('users').where({ id: 1 }).select('email')
    // @ts-expect-error rows are users
    const none: { name: string }[] = await request.db<User>('users')
    // @ts-expect-error a session of mode read has no insert
    await request.db('users').insert({ email: 'no' })
    // @ts-expect-error nor an update
    await request.db<User>('users').update({ email: 'no' })
    // @ts-expect-error nor a delete
    await request.db('users').delete()
    // @ts-expect-error nor one of its own
    await request.db.batchInsert('users', [])
    // @ts-expect-error it is not for what writes
    writes(request.db)
    reads(request.db)
    either(request.db)
    anyKnex(request.db)
    await request.db.savepoint(async (db) => reads(db))
    const user: User | undefined = await request.db<User>('users').where({ id: 1 }).first()
    const all: User[] = await request.db<User>('users')
    const counted: { n: number | string }[] = await request.db('users').count({ n: '*' })
    return [mode, emails, none, user, all, counted]
  })
  app.get(
    '/own-hook',
    { preHandler: async (request) => void reads(request.db), config: { db: { mode: 'read' } } },
    async (request) => reads(request.db),
  )
  app.get('/hook', { config: { db: { mode: 'read' } }, preHandler: hook }, async (request) => {
    // @ts-expect-error beside a hook for any request Fastify forgets what `config` says: it can be either
    reads(request.db)
    return either(request.db).mode
  })
  app.get('/as-const', read, async (request) => reads(request.db))
  app.route({
    method: 'GET',
    url: '/route',
    config: { db: { mode: 'read', retry: 1 } },
    handler: async (request) => reads(request.db),
  })
  t.ok(app.hasRoute({ method: 'GET', url: '/route' }))
  t.end()
})

t.test('every other route, and every hook, has one that may write', (t) => {
  app.post('/plain', async (request) => {
    const [user] = await request.db<User>('users').insert({ email: 'x' }).returning('*')
    // @ts-expect-error it can be either: a hook does not know its route
    reads(request.db)
    either(request.db)
    return user?.id
  })
  app.post('/write', { config: { db: { mode: 'write', retry: 3 } } }, async (request) =>
    request.db('users').delete(),
  )
  app.post('/other', { config: { rateLimit: 5 } as object }, async (request) => request.db('users').delete())
  app.addHook('preHandler', async (request) => void (await request.db('users').update({ email: 'x' })))
  // @ts-expect-error there is no such mode
  app.post('/both', { config: { db: { mode: 'both' } } }, async () => {})
  t.ok(app.hasRoute({ method: 'POST', url: '/other' }))
  t.end()
})

t.test('so has a unit of work', (t) => {
  const units = async () => {
    const one: number = await app.unitOfWork(async (db) => {
      either(db)
      await db('users').insert({ email: 'x' })
      return 1
    })
    const rows: User[] = await app.unitOfWork(async (db) => reads(db)<User>('users').select('*'), {
      mode: 'read',
    })
    // @ts-expect-error it writes
    await app.unitOfWork((db) => db('users').insert({ email: 'no' }), { mode: 'read' })
    await app.unitOfWork((db) => db('users').insert({ email: 'x' }), { mode: 'write', retry: 1 })
    await app.unitOfWork((db) => db.unitOfWork(async (inner) => reads(inner), { mode: 'read' }))
    return [one, rows]
  }
  t.type(units, 'function')
  t.end()
})

t.test('the plugin names what it lacks', (t) => {
  // @ts-expect-error `knex` is missing
  const register = () => app.register(dbSession, {})
  t.type(register, 'function')
  t.end()
})
