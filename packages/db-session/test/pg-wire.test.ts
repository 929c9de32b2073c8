import pg from 'pg'
import t from 'tap'
import { cancel } from '../src/cancel.ts'
import type { PgConnection } from '../src/source.ts'
import { openDatabase, rejection, until } from './setup.ts'

const database = await openDatabase(t)
const sleepers = 'select count(*)::int from pg_stat_activity where datname = current_database()'

t.test('stops what runs, and leaves the connection', async (t) => {
  const client = new pg.Client({ connectionString: database.url }) as PgConnection
  await client.connect()
  const sleeping = rejection(client.query('select pg_sleep(60)'))
  // a request that overtakes its statement finds nothing to cancel
  await until(
    async () => (await database.see(`${sleepers} and wait_event = 'PgSleep'`))[0] === 1,
    'the sleep',
  )
  await cancel(client)
  await cancel(client)
  t.equal((await sleeping).code, '57014')
  t.equal((await client.query('select 1 as one')).rows[0].one, 1)
  await client.end()
})

t.test('a server that cannot be reached is no error', async (t) => {
  const nowhere = {
    ssl: false,
    host: '127.0.0.1',
    port: 1,
    processID: 1,
    secretKey: 1,
  } as unknown as PgConnection
  await t.resolves(cancel(nowhere))
  await t.resolves(cancel({ ...nowhere, host: '/nowhere' } as PgConnection))
})

t.test('asks for TLS where the connection has it', async (t) => {
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
      cancel({ ssl: true, host: '127.0.0.1', port, processID: 1, secretKey: 1 } as unknown as PgConnection)
    })
  })
  t.equal(asked, '0000000804d2162f')
})
