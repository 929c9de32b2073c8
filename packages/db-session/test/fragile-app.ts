/** The app of no-crash.test.ts. Each of its routes does something that crashed a process once, or might. */
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import { type DbSession, dbSession } from '../src/index.ts'
import { openKnex, raise, until, used } from './setup.ts'

const url = process.argv[2] as string
const knex = openKnex(url)
const app = Fastify()
const unhandled: string[] = []
// without this listener, a rejection that the package does not handle would crash the process; /alive reports it
process.on('unhandledRejection', (reason) => unhandled.push(String(reason)))

export interface Expected {
  /** A regular expression. */
  readonly status: string
  readonly code?: string
  readonly seen?: readonly string[]
  readonly types?: readonly string[]
}

interface Case {
  readonly expected: Expected
  readonly handler: (request: FastifyRequest, reply: FastifyReply, app: FastifyInstance) => Promise<unknown>
  readonly db?: object
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const add = (db: DbSession, email = 'x') => db('users').insert({ email })
/** Removes the types, so that methods can be called with wrong arguments, as in JavaScript. */
const wrong = (db: DbSession) => db as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
type Connection = pg.Client & { query(query: unknown): never }
const connect = (db: DbSession): Promise<Connection> => db.client.acquireConnection()
const release = (db: DbSession, connection: Connection) => db.client.releaseConnection(connection)

const circular: Record<string, unknown> = {}
circular.self = circular
const thrower = {
  toPostgres() {
    throw new Error('of toPostgres')
  },
}

const cases: Record<string, Case> = {
  'every call with wrong arguments, which throws a TypeError': {
    expected: { status: '201', seen: ['x'], types: Array(19).fill('TypeError') },
    handler: async ({ db }, reply) => {
      const calls: [string, ...unknown[]][] = [
        ['query'],
        ['query', undefined],
        ['query', null],
        ['query', 3],
        ['query', {}],
        ['query', { text: 3 }],
        ['query', { text: 'select 1', callback() {} }],
        ['query', { text: 'select 1', rowmode: 'array' }],
        ['query', { text: 'select $1', values: 'abc' }],
        ['query', 'select $1::text', 'abc'],
        ['query', 'select $1::text', { 0: 'abc' }],
        ['savepoint', 3],
        ['savepoint'],
        ['transaction', 'x'],
        ['afterCommit', 'x'],
        ['afterCommit', Promise.resolve()],
        ['unitOfWork', null],
        ['unitOfWork', 'x'],
        ['unitOfWork'],
      ]
      const types = calls.map(([name, ...args]) => {
        try {
          void wrong(db)[name]?.(...args)
          return `${name}(${args}) did not throw`
        } catch (error) {
          return (error as Error).name
        }
      })
      await add(db)
      return reply.code(201).send({ types })
    },
  },
  'query(undefined) next to another statement': {
    expected: { status: '500', seen: [] },
    handler: async ({ db }) => {
      await add(db)
      await Promise.all([db.query('select 1'), wrong(db).query?.(undefined)])
    },
  },
  'values that are not an array': {
    expected: { status: '500' },
    handler: ({ db }) => wrong(db).query?.('select $1::text', 'abc') as Promise<unknown>,
  },
  'a value that refers to itself, next to another statement': {
    expected: { status: '5..', seen: [] },
    handler: async ({ db }) => {
      await add(db)
      await Promise.all([db.query('select 1'), db.query('select $1::json', [circular]), db.query('select 2')])
    },
  },
  'a first statement with a value that refers to itself': {
    expected: { status: '5..' },
    handler: ({ db }) => db.query('select $1::json', [circular]),
  },
  'a value whose toPostgres() throws': {
    expected: { status: '5..', seen: [] },
    handler: async ({ db }) => {
      await add(db)
      await Promise.all([db.query('select $1::text', [thrower]), db.raw('select 1')])
    },
  },
  'a value that pg cannot send, and whose error is caught': {
    expected: { status: '5..', seen: [] },
    handler: async ({ db }, reply) => {
      await add(db)
      await db.query('select $1::json', [circular]).catch(() => {})
      return reply.code(201).send({})
    },
  },
  'values that pg sends as they are': {
    expected: { status: '500' },
    handler: ({ db }) => db.query('select $1::int, $2::int', [Symbol.iterator, 1n]),
  },
  'a symbol as a value of a savepoint': {
    expected: { status: '5..', seen: [] },
    handler: async ({ db }) => {
      await add(db)
      await db.savepoint((savepoint) => savepoint.query('select $1::int', [Symbol('x')]))
    },
  },
  'a query with 70000 values': {
    expected: { status: '500', code: 'DB_SESSION_QUERY_FAILED' },
    handler: ({ db }) => {
      const values = Array.from({ length: 70_000 }, (_, i) => i)
      return db.query(`select 1 where 1 in (${values.map((_, i) => `$${i + 1}`)})`, values)
    },
  },
  'pg-cursor on the connection of a session': {
    expected: { status: '201|500' },
    handler: async ({ db }, reply) => {
      await add(db)
      const connection = await connect(db)
      const cursor: Cursor = connection.query(new Cursor('select generate_series(1, 100) as g'))
      const rows = await cursor.read(10)
      await cursor.close()
      await release(db, connection)
      return reply.code(201).send({ rows: rows.length })
    },
  },
  'pg-cursor as the first statement, left open': {
    expected: { status: '201|500' },
    handler: async ({ db }, reply) => {
      const connection = await connect(db)
      const cursor: Cursor = connection.query(new Cursor('select generate_series(1, 100) as g'))
      await cursor.read(10)
      return reply.code(201).send({})
    },
  },
  'pg-cursor with a statement that fails': {
    expected: { status: '5..', seen: [] },
    handler: async ({ db }) => {
      await add(db)
      const cursor: Cursor = (await connect(db)).query(
        new Cursor('select 1/(3 - g) from generate_series(1, 5) g'),
      )
      return cursor.read(10)
    },
  },
  'pg-cursor after a statement that failed': {
    expected: { status: '500', code: 'DB_SESSION_TRANSACTION_FAILED', seen: [] },
    handler: async ({ db }) => {
      await db.query('select 1/0').catch(() => {})
      const cursor: Cursor = (await connect(db)).query(new Cursor('select 1'))
      return cursor.read(10)
    },
  },
  'pg-copy-streams: COPY FROM': {
    expected: { status: '201|500' },
    handler: async ({ db }, reply) => {
      await add(db, 'before')
      const connection = await connect(db)
      await pipeline(
        Readable.from(['copied 1\n', 'copied 2\n']),
        connection.query(copyFrom('copy users (email) from stdin')) as NodeJS.WritableStream,
      )
      await release(db, connection)
      return reply.code(201).send({})
    },
  },
  'pg-copy-streams: COPY TO': {
    expected: { status: '201|500' },
    handler: async ({ db }, reply) => {
      const connection = await connect(db)
      let text = ''
      for await (const chunk of connection.query(
        copyTo('copy (select generate_series(1, 3)) to stdout'),
      ) as AsyncIterable<Buffer>)
        text += chunk
      return reply.code(201).send({ text })
    },
  },
  'pg-copy-streams: COPY FROM that fails': {
    expected: { status: '409|500', seen: [] },
    handler: async ({ db }) => {
      await add(db, 'before')
      const connection = await connect(db)
      await pipeline(
        Readable.from(['before\n']),
        connection.query(copyFrom('copy users (email) from stdin')) as NodeJS.WritableStream,
      )
    },
  },
  'a Query of pg on the connection of a session': {
    expected: { status: '201|500' },
    handler: async ({ db }, reply) => {
      const connection = await connect(db)
      const query = new pg.Query('select 1') as unknown as NodeJS.EventEmitter
      const ended = new Promise<void>((resolve) => {
        query.on('end', resolve).on('error', () => resolve())
      })
      connection.query(query)
      await ended
      return reply.code(201).send({})
    },
  },
  'a connection that gets wrong arguments': {
    expected: { status: '201|5..' },
    handler: async ({ db }, reply) => {
      const connection = await connect(db)
      for (const query of [undefined, null, 3, {}, { submit: 3 }]) {
        try {
          Promise.resolve(connection.query(query)).catch(() => {})
        } catch {}
      }
      await turn()
      return reply.code(201).send({})
    },
  },
  'a savepoint that is not awaited and rejects': {
    expected: { status: '201|500' },
    handler: async ({ db }, reply) => {
      await add(db)
      db.savepoint(async () => {
        throw new Error('of the savepoint')
      })
      await turn()
      await turn()
      return reply.code(201).send({})
    },
  },
  'a savepoint that is not awaited and rejects after the response': {
    expected: { status: '500', code: 'DB_SESSION_NOT_AWAITED', seen: [] },
    handler: async ({ db }, reply) => {
      await add(db)
      db.savepoint(async (savepoint) => {
        await savepoint.query('select pg_sleep(0.05)')
        throw new Error('of the savepoint')
      })
      return reply.code(201).send({})
    },
  },
  'a transaction() that is not awaited and rejects': {
    expected: { status: '500', seen: [] },
    handler: async ({ db }, reply) => {
      await add(db)
      db.transaction(async (trx) => {
        await trx.raw('select pg_sleep(0.05)')
        throw new Error('of the savepoint')
      })
      await turn()
      return reply.code(201).send({})
    },
  },
  'a commit() that is not awaited and fails': {
    expected: { status: '409', code: 'DB_SESSION_CONSTRAINT', seen: [] },
    handler: async ({ db }, reply) => {
      await db('users').insert({ email: 'x', parent: 99 })
      db.commit()
      return reply.code(201).send({})
    },
  },
  'a commit() that is not awaited while a statement is under way': {
    expected: { status: '500', code: 'DB_SESSION_NOT_AWAITED', seen: [] },
    handler: async ({ db }, reply) => {
      await add(db)
      db.query('select pg_sleep(0.05)')
      db.commit()
      return reply.code(201).send({})
    },
  },
  'a unit of work of the session that is not awaited and rejects': {
    expected: { status: '201|500' },
    handler: async ({ db }, reply) => {
      await add(db)
      db.unitOfWork(async () => {
        throw new Error('of the unit of work')
      })
      await turn()
      return reply.code(201).send({})
    },
  },
  'a unit of work of the app that is not awaited and rejects': {
    expected: { status: '201' },
    handler: async (_request, reply, app) => {
      app.unitOfWork(async () => {
        throw new Error('of the unit of work')
      })
      await turn()
      return reply.code(201).send({})
    },
  },
  'a query() that is not awaited and fails': {
    expected: { status: '500', seen: [] },
    handler: async ({ db }, reply) => {
      await add(db)
      db.query('select 1/0')
      await turn()
      return reply.code(201).send({})
    },
  },
  'statements that are not awaited after the response': {
    expected: { status: '201', seen: ['x'] },
    handler: async ({ db }, reply) => {
      await add(db)
      setImmediate(() => {
        db.query('select 1')
        db.commit()
        db.savepoint(async () => {})
        db.unitOfWork(async () => {})
      })
      return reply.code(201).send({})
    },
  },
  'work after the commit that throws, and work that rejects': {
    expected: { status: '201', seen: ['x'] },
    handler: async ({ db }, reply) => {
      await add(db)
      db.afterCommit(() => {
        throw undefined
      })
      db.afterCommit(() => Promise.reject(new Error('of the work')))
      return reply.code(201).send({})
    },
  },
  'a savepoint that throws undefined': {
    expected: { status: '201', seen: ['x'] },
    handler: async ({ db }, reply) => {
      await add(db)
      await db.savepoint(() => Promise.reject(undefined)).catch(() => {})
      return reply.code(201).send({})
    },
  },
  'a savepoint whose work throws before it returns a promise': {
    expected: { status: '201', seen: ['x'] },
    handler: async ({ db }, reply) => {
      await add(db)
      await db
        .savepoint(() => {
          throw new Error('not asynchronous')
        })
        .catch(() => {})
      return reply.code(201).send({})
    },
  },
  'a handler that throws null': {
    expected: { status: '500', seen: [] },
    db: { retry: 2 },
    handler: async ({ db }) => {
      await add(db)
      throw null
    },
  },
  'a handler that throws a frozen error': {
    expected: { status: '500', seen: [] },
    db: { retry: 2 },
    handler: async ({ db }) => {
      await add(db)
      throw Object.freeze(new Error('frozen'))
    },
  },
  'a handler that throws an error whose members throw': {
    expected: { status: '500', seen: [] },
    db: { retry: 2 },
    handler: async ({ db }) => {
      await add(db)
      throw Object.defineProperty(new Error('odd'), 'cause', {
        get() {
          throw new Error('of the getter')
        },
      })
    },
  },
  'a handler that fails after a 40001 in every run': {
    expected: { status: '409', code: 'DB_SESSION_SERIALIZATION', seen: [] },
    db: { retry: 2 },
    handler: async ({ db }) => {
      await add(db)
      db.savepoint(async () => new Promise(() => {}))
      await turn()
      db.query('select 1')
      await db.query(raise('40001')).catch(() => {})
      throw await app.unitOfWork((unit) => unit.query(raise('40001'))).catch((error) => error)
    },
  },
  'a row stream with an error that is ignored': {
    expected: { status: '5..', seen: [] },
    handler: async ({ db }, reply) => {
      await add(db)
      const rows = db.raw('select 1/(3 - g) from generate_series(1, 5) g').stream()
      await new Promise((resolve) => rows.on('error', resolve).resume())
      return reply.code(201).send({})
    },
  },
  'a backend that is ended between two statements': {
    expected: { status: '503', code: 'DB_SESSION_CONNECTION_LOST', seen: [] },
    handler: async ({ db }, reply) => {
      await add(db)
      const { pid } = (await db.query('select pg_backend_pid() as pid')).rows[0]
      await app.unitOfWork((unit) => unit.query('select pg_terminate_backend($1)', [pid]))
      await until(
        async () => (await knex('pg_stat_activity').where({ pid }).select('pid')).length === 0,
        'the end of the backend',
      )
      await turn()
      await turn()
      return reply.code(201).send({})
    },
  },
  'an unknown member of a unit of work': {
    expected: { status: '500' },
    handler: () => app.unitOfWork(async () => {}, { retries: 3 } as never),
  },
}

await app.register(dbSession, { knex, closePools: true, sleep: async () => {} })
for (const [name, { handler, db = {} }] of Object.entries(cases)) {
  app.post(`/${encodeURIComponent(name)}`, { config: { db } }, (request, reply) =>
    handler(request, reply, app),
  )
}
app.get('/names', async () =>
  Object.fromEntries(Object.entries(cases).map(([name, { expected }]) => [name, expected])),
)
app.post('/alive', async () => {
  await until(() => used(knex) === 0, 'the release of all connections')
  return { used: used(knex), unhandled }
})
await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.({ base: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` })
process.once('disconnect', () => process.exit())
