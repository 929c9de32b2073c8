/**
 * The private parts of pg, knex, Objection and Fastify that db-session relies on, each tested without db-session. If one
 * of them fails after an upgrade, look for its comment: `grep -rn Private src`.
 */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import Fastify from 'fastify'
import knexModule from 'knex'
import { Model } from 'objection'
import pg, { type Connection, type Submittable } from 'pg'
import QueryStream from 'pg-query-stream'
import t from 'tap'
import { openDatabase, openKnex, rejection } from './setup.ts'

const database = await openDatabase(t)
const connect = async () => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  return client as pg.Client & Record<string, unknown>
}

t.test('only the adapters of knex and pg rely on private parts, and they name this file', (t) => {
  const folder = new URL('../src/', import.meta.url)
  const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
  const files = readdirSync(folder).filter((name) => /Private: /.test(read(name)))
  t.same(files.sort(), ['knex-adapter.ts', 'pg-wire.ts'])
  for (const name of files) t.match(read(name), 'private-parts.test.ts', name)
  t.end()
})

t.test('pg: a query gets every CommandComplete, and its callback is called once all are ready', async (t) => {
  const client = await connect()
  const seen: string[] = []
  const Query = pg.Query as unknown as new (
    text: string,
    values: unknown[],
    callback: (error: Error | null, result: pg.QueryResult) => void,
  ) => { submit(connection: Connection): void; handleCommandComplete(message: { text: string }): void }
  const rows = await new Promise<unknown[]>((resolve) => {
    class Watched extends Query {
      override submit(connection: Connection): void {
        connection.parse({ text: 'BEGIN', name: '', types: [] }, true)
        connection.bind({}, true)
        connection.execute({}, true)
        super.submit(connection)
      }
      override handleCommandComplete(message: { text: string }): void {
        seen.push(message.text)
        if (seen.length > 1) super.handleCommandComplete(message)
      }
    }
    const query = new Watched('select $1::int as n', [1], (error, result) =>
      resolve(error ? [error] : result.rows),
    )
    client.query(query as unknown as Submittable)
  })
  t.same(seen, ['BEGIN', 'SELECT 1'])
  t.same(rows, [{ n: 1 }])
  await client.end()
})

t.test('pg: a Connection writes whole messages immediately to the stream that it is given', (t) => {
  const written: Buffer[] = []
  const stream = { writable: true, write: (bytes: Buffer) => written.push(bytes) }
  const connection = new pg.Connection({ stream } as never)
  connection.parse({ text: 'BEGIN', name: '', types: [] }, true)
  connection.bind({}, true)
  connection.execute({}, true)
  t.same(
    written.map((bytes) => String.fromCharCode(bytes[0] as number)),
    ['P', 'B', 'E'],
  )
  for (const bytes of written) t.equal(bytes.readInt32BE(1), bytes.length - 1)
  t.end()
})

t.test('pg: a Client has the numbers of its backend, its address and its socket', async (t) => {
  const client = await connect()
  const { rows } = await client.query('select pg_backend_pid() as pid')
  if (!process.env.DB_SESSION_TEST_VIA) t.equal(client.processID, rows[0].pid)
  t.type(client.processID, 'number')
  t.type(client.secretKey, 'number')
  const { hostname, port } = new URL(database.url)
  t.same([client.host, Number(client.port), client.ssl], [hostname, Number(port), false])
  t.ok(client.connection.stream instanceof net.Socket)
  t.equal(client.getTransactionStatus(), 'I')
  await client.query('begin')
  t.equal(client.getTransactionStatus(), 'T')
  await client.end()
})

t.test('pg: a Connection connects to a port, asks for TLS and sends a cancel request', async (t) => {
  const received: string[] = []
  const server = net.createServer((socket) =>
    socket.on('data', (data) => received.push(data.toString('hex'))),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const open = async (ssl: boolean) => {
    const connection = new pg.Connection({ ssl } as never) as unknown as Connection & {
      connect(port: number, host: string): void
      requestSsl(): void
      cancel(processID: number, secretKey: number): void
    }
    connection.connect(port, '127.0.0.1')
    await once(connection, 'connect')
    return connection
  }
  const asks = await open(true)
  asks.requestSsl()
  const cancels = await open(false)
  cancels.cancel(0x11223344, 0x55667788)
  while (received.length < 2) await new Promise((resolve) => setImmediate(resolve))
  t.same(received.sort(), ['0000000804d2162f', '0000001004d2162e1122334455667788'])
  const ended = once(cancels, 'end')
  server.close()
  for (const connection of [asks, cancels]) connection.stream.destroy()
  await ended
})

t.test('pg-query-stream: a stream has its cursor, and closes once the connection is free', async (t) => {
  const client = await connect()
  const stream = client.query(new QueryStream('select generate_series(1, $1::int) as n', [3]))
  const { cursor } = stream as unknown as { cursor: { text: string; values: unknown[] } }
  t.equal(cursor.text, 'select generate_series(1, $1::int) as n')
  t.same(cursor.values, ['3'])
  t.same(await stream.toArray(), [{ n: 1 }, { n: 2 }, { n: 3 }])
  const cut = client.query(new QueryStream('select generate_series(1, 100000) as n'))
  await once(cut, 'data')
  cut.destroy()
  await once(cut, 'close')
  t.same((await client.query('select 1 as one')).rows, [{ one: 1 }], 'the next statement')
  await client.end()
})

t.test(
  'pg-cursor: the state of a cursor is idle while it waits for its consumer, and done at the end',
  async (t) => {
    const client = await connect()
    const stream = client.query(
      new QueryStream('select generate_series(1, 1000) as n', [], { batchSize: 10 }),
    )
    const { cursor } = stream as unknown as { cursor: { state: string } }
    await once(stream, 'readable')
    while (cursor.state === 'busy') await new Promise((resolve) => setImmediate(resolve))
    t.equal(cursor.state, 'idle')
    await stream.toArray()
    t.equal(cursor.state, 'done')
    await client.end()
  },
)

t.test('pg: handleReadyForQuery and handleError are called on the query that runs', async (t) => {
  const client = await connect()
  const called: string[] = []
  const run = (text: string) => {
    const stream = new QueryStream(text) as QueryStream & Record<string, (...args: unknown[]) => void>
    const ended = new Promise<void>((resolve) => {
      for (const name of ['handleReadyForQuery', 'handleError']) {
        const method = stream[name] as (...args: unknown[]) => void
        stream[name] = (...args) => {
          called.push(name)
          method.apply(stream, args)
          resolve()
        }
      }
    })
    client.query(stream as unknown as Submittable)
    stream.on('error', () => {}).resume()
    return ended
  }
  await run('select 1')
  await run('select 1/0')
  t.same(called, ['handleReadyForQuery', 'handleError'])
  await client.end()
})

t.test('pg: the portal and the Execute message of a query can be replaced', async (t) => {
  const client = await connect()
  const Query = pg.Query as unknown as new (
    query: object,
    values: undefined,
    callback: (error: Error | null, result: pg.QueryResult) => void,
  ) => { portal: string; _getRows(connection: Connection, rows: number | undefined): void }
  const rows = await new Promise<unknown[]>((resolve, reject) => {
    class Replaced extends Query {
      override _getRows(connection: Connection): void {
        connection.execute({ portal: this.portal }, true)
        connection.sync()
      }
    }
    const done = (error: Error | null, result: pg.QueryResult) =>
      error ? reject(error) : resolve(result.rows)
    client.query(new Replaced({ text: 'select 1 as n', queryMode: 'extended' }, undefined, done) as never)
  })
  t.same(rows, [{ n: 1 }])
  await client.end()
})

t.test('knex: a client whose prototype is another client acquires and releases a connection', async (t) => {
  const knex = openKnex('postgres://nobody@127.0.0.1:1/none')
  const events: unknown[] = []
  const connection = {
    query(query: { text: string; values: unknown[] }, callback: (error: null, result: object) => void) {
      events.push([query.text, query.values, Object.keys(query)])
      callback(null, { command: 'SELECT', rows: [{ id: 7 }] })
    },
  }
  const client = Object.create(knex.client)
  client.acquireConnection = async () => connection
  client.releaseConnection = async (given: object) => void events.push(given === connection)
  t.same(await client.queryBuilder().table('users').where({ id: 7 }), [{ id: 7 }])
  await client.raw('select ?', [1])
  await client.schemaBuilder().raw('select 1')
  t.same(events, [
    ['select * from "users" where "id" = $1', [7], ['text', 'values']],
    true,
    ['select $1', [1], ['text', 'values']],
    true,
    ['select 1', [], ['text', 'values']],
    true,
  ])
})

t.test('knex: a knex lists its methods as own members, and its client has the size of the pool', (t) => {
  const knex = openKnex('postgres://nobody@127.0.0.1:1/none', 3)
  const names = Object.keys(knex)
  for (const name of ['select', 'from', 'where', 'insert', 'with', 'count']) t.ok(names.includes(name), name)
  t.equal(knex.client.driverName, 'pg')
  t.equal(knex.client.config.pool.max, 3)
  t.equal(knexModule({ client: 'pg', connection: {} }).client.config.pool, undefined)
  t.type(knex.client.poolDefaults().max, 'number')
  t.type(knex.fn.now().toSQL().sql, 'string')
  t.end()
})

t.test('knex: the error of a timeout has a name', (t) => {
  const { KnexTimeoutError } = knexModule as unknown as { KnexTimeoutError: new () => Error }
  t.equal(new KnexTimeoutError().name, 'KnexTimeoutError')
  t.end()
})

t.test('knex: a pool replaces a connection that has ended', async (t) => {
  const knex = openKnex(database.url, 1)
  const first = await knex.client.acquireConnection()
  const ended = once(first, 'end')
  first.end().catch(() => {})
  await ended
  knex.client.releaseConnection(first)
  const second = await knex.client.acquireConnection()
  t.not(second, first)
  knex.client.releaseConnection(second)
  await knex.destroy()
})

t.test('knex: a transaction sends BEGIN;, COMMIT; and ROLLBACK', async (t) => {
  const knex = openKnex(database.url, 1)
  const connection = await knex.client.acquireConnection()
  const sent: string[] = []
  const query = connection.query
  connection.query = (config: { text: string }, ...rest: unknown[]) => {
    sent.push(config.text)
    return query.call(connection, config, ...rest)
  }
  knex.client.releaseConnection(connection)
  await knex.transaction(async () => {})
  await rejection(knex.transaction(() => Promise.reject(new Error('no'))))
  t.same(sent, ['BEGIN;', 'COMMIT;', 'BEGIN;', 'ROLLBACK'])
  await knex.destroy()
})

t.test('knex: own members of a client hide those of its class, also for transactions', async (t) => {
  const knex = openKnex('postgres://nobody@127.0.0.1:1/none')
  const sent: string[] = []
  knex.client.acquireConnection = async () => ({
    query(query: { text: string }, callback: (error: null, result: object) => void) {
      sent.push(query.text)
      callback(null, { command: 'SELECT', rows: [] })
    },
  })
  knex.client.releaseConnection = async () => {}
  await knex.raw('select 1')
  await knex.transaction((trx) => trx.raw('select 2'))
  t.same(sent, ['select 1', 'BEGIN;', 'select 2', 'COMMIT;'])
})

t.test('knex: a statement that times out calls cancelQuery with its connection', async (t) => {
  const knex = openKnex('postgres://nobody@127.0.0.1:1/none')
  const connection = { query() {} }
  const client = Object.create(knex.client)
  client.acquireConnection = async () => connection
  client.releaseConnection = async () => {}
  const canceled = new Promise((resolve) => {
    client.cancelQuery = async (given: object) => resolve(given)
  })
  client
    .raw('select pg_sleep(60)')
    .timeout(1, { cancel: true })
    .catch(() => {})
  t.equal(await canceled, connection)
})

t.test('Objection: a query runs on any object that makes builders', async (t) => {
  class User extends Model {
    static override tableName = 'users'
  }
  const knex = openKnex('postgres://nobody@127.0.0.1:1/none')
  const client = Object.create(knex.client)
  client.acquireConnection = async () => ({
    query: (_query: object, callback: (error: null, result: object) => void) =>
      callback(null, { command: 'SELECT', rows: [{ id: 7 }] }),
  })
  client.releaseConnection = async () => {}
  const db = Object.assign(() => {}, {
    client,
    isTransaction: true,
    queryBuilder: () => client.queryBuilder(),
  })
  t.same(await User.query(db as never), [{ id: 7 }])
})

t.test('Fastify: an onSend hook that `onRoute` appends runs after all others', async (t) => {
  const app = Fastify()
  const order: string[] = []
  app.addHook('onRoute', (route) => {
    route.onSend = [route.onSend ?? [], async () => void order.push('of onRoute')].flat() as never
  })
  app.get('/', { onSend: async () => void order.push('of the route') }, async () => 'ok')
  app.addHook('onSend', async () => void order.push('of the app'))
  await app.inject('/')
  t.same(order, ['of the app', 'of the route', 'of onRoute'])
})
