/** Cancel requests, and statements that are encoded by hand. */
import pg from 'pg'
import t from 'tap'
import { cancel, encode, type PgConnection } from '../src/pg-wire.ts'
import { openDatabase, rejection, until } from './setup.ts'

const database = await openDatabase(t)
const sleepers = 'select count(*)::int from pg_stat_activity where datname = current_database()'

t.test('a cancel request ends the statement and keeps the connection', async (t) => {
  const client = new pg.Client({ connectionString: database.url }) as PgConnection
  await client.connect()
  const sleeping = rejection(client.query('select pg_sleep(60)'))
  // a request that overtakes its statement finds nothing to cancel
  await until(
    async () => (await database.see(`${sleepers} and wait_event = 'PgSleep'`))[0] === 1,
    'the sleep',
  )
  await cancel(client, 1_000)
  await cancel(client, 1_000)
  t.equal((await sleeping).code, '57014')
  t.equal((await client.query('select 1 as one')).rows[0].one, 1)
  await client.end()
})

t.test('a cancel request to a server that cannot be reached resolves', async (t) => {
  const nowhere = {
    ssl: false,
    host: '127.0.0.1',
    port: 1,
    processID: 1,
    secretKey: 1,
  } as unknown as PgConnection
  await t.resolves(cancel(nowhere, 1_000))
  await t.resolves(cancel({ ...nowhere, host: '/nowhere' } as PgConnection, 1_000))
})

t.test('a cancel request asks for TLS if the connection uses it', async (t) => {
  const { createServer } = await import('node:net')
  const asked = await new Promise<string>((resolve) => {
    const server = createServer((socket) => {
      socket.once('data', (data) => {
        resolve(data.toString('hex'))
        socket.end('N')
        server.close()
      })
    }).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      cancel(
        { ssl: true, host: '127.0.0.1', port, processID: 1, secretKey: 1 } as unknown as PgConnection,
        1_000,
      )
    })
  })
  t.equal(asked, '0000000804d2162f')
})

t.test('a cancel request that gets no reply ends after its timeout', async (t) => {
  const { createServer } = await import('node:net')
  const server = createServer(() => {})
  t.teardown(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await t.resolves(
    cancel({ ssl: true, host: '127.0.0.1', port, processID: 1, secretKey: 1 } as unknown as PgConnection, 20),
  )
})

t.test('statements are encoded as messages, and values that are not plain are rejected', (t) => {
  t.match(encode(['BEGIN']), { count: 1, text: 'BEGIN' })
  t.match(encode(['BEGIN', { text: 'select $1', values: [1] }]), { count: 2, text: 'BEGIN; select $1' })
  for (const values of [[{}], [new Date()], [() => {}]])
    t.throws(() => encode([{ text: 'select $1', values }] as never), TypeError)
  t.throws(() => encode([3] as never), TypeError)
  t.end()
})
