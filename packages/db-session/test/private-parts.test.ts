/**
 * What db-session leans on and no documentation promises, a claim each, made of the library itself: if one of them
 * fails after an upgrade, look for its line (`grep -rn Private src`).
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

t.test('each file that leans on a private part says so, and points here', (t) => {
  const folder = new URL('../src/', import.meta.url)
  const files = readdirSync(folder).filter((name) =>
    /Private: /.test(readFileSync(new URL(name, folder), 'utf8')),
  )
  t.same(files.sort(), [
    'cancel.ts',
    'face.ts',
    'first-query.ts',
    'reply.ts',
    'row-stream.ts',
    'source.ts',
    'with-rollback.ts',
  ])
  for (const name of files)
    t.match(readFileSync(new URL(name, folder), 'utf8'), 'private-parts.test.ts', name)
  t.end()
})

t.test('pg: a query is told of each command, and is answered once all are ready', async (t) => {
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

t.test('pg: a Connection writes whole messages to the stream it is given, at once', (t) => {
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

t.test('pg: a client knows the numbers of its backend, its address and its socket', async (t) => {
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

t.test(
  'pg: a Connection connects to a port or a path, asks for TLS, and sends a cancel request',
  async (t) => {
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
  },
)

t.test('pg-query-stream: keeps its cursor, and closes once Postgres has closed it', async (t) => {
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
  t.same((await client.query('select 1 as one')).rows, [{ one: 1 }], 'and the connection is free by then')
  await client.end()
})

t.test('knex: a client on the prototype of another asks for a connection and gives it back', async (t) => {
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

t.test('knex: lists its methods as members of its own, and says what its client is', (t) => {
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

t.test('knex: its pool says how many wait for it', async (t) => {
  const knex = openKnex(database.url, 1)
  const held = await knex.client.acquireConnection()
  t.equal(knex.client.pool.numPendingAcquires(), 0)
  const waiting = knex.client.acquireConnection()
  t.equal(knex.client.pool.numPendingAcquires(), 1)
  knex.client.releaseConnection(held)
  knex.client.releaseConnection(await waiting)
  await knex.destroy()
})

t.test('knex: its time-out has a name', (t) => {
  const { KnexTimeoutError } = knexModule as unknown as { KnexTimeoutError: new () => Error }
  t.equal(new KnexTimeoutError().name, 'KnexTimeoutError')
  t.end()
})

t.test('knex: replaces a connection that has ended', async (t) => {
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

t.test('knex: spells the beginning and the end of a transaction so', async (t) => {
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

t.test('Objection: takes whatever makes builders for a knex, and has them run its statements', async (t) => {
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

t.test('Fastify: keeps trailers under a symbol, and takes a serializer back', async (t) => {
  const app = Fastify()
  let found: string[] = []
  app.get('/', (_request, reply) => {
    reply.trailer('etag', async () => 'x')
    const symbol = Object.getOwnPropertySymbols(reply).find((s) => s.description === 'fastify.reply.trailers')
    found = Object.keys((symbol && (reply as never)[symbol]) ?? {})
    reply.removeTrailer('etag')
    reply.serializer(() => 'never')
    reply.serializer(null as never)
    reply.send({ plain: true })
  })
  t.same((await app.inject('/')).json(), { plain: true })
  t.same(found, ['etag'])
})

t.test('Fastify: does not forget that a status was set', async (t) => {
  const app = Fastify()
  app.get('/', (_request, reply) => {
    reply.code(201)
    reply.raw.statusCode = 200
    reply.redirect('/elsewhere')
  })
  t.equal((await app.inject('/')).statusCode, 200, 'so that a redirect of a reply that is reset needs one')
})

t.test('Fastify: runs the hooks that `onRoute` has put last after all others', async (t) => {
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
