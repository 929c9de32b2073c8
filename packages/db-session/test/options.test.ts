import Fastify from 'fastify'
import knexModule from 'knex'
import t from 'tap'
import { type DbSessionOptions, dbSession } from '../src/index.ts'
import { DEFAULTS, readOptions, readWork } from '../src/options.ts'
import { openKnex, rejection } from './setup.ts'

const knex = openKnex('postgres://nobody@127.0.0.1:1/none')

t.test('an option that is wrong is named when it is given', async (t) => {
  const wrong: [string, object][] = [
    ['knex', { knex: undefined }],
    ['knex', { knex: null }],
    ['knex', { knex: knexModule({ client: 'sqlite3' }) }],
    ['replica', { knex, replica: {} }],
    ['replicaFor', { knex, replica: knex, replicaFor: true }],
    ['acquireTimeoutMs', { knex, acquireTimeoutMs: 0 }],
    ['statementTimeoutMs', { knex, statementTimeoutMs: '10s' }],
    ['idleTimeoutMs', { knex, idleTimeoutMs: -1 }],
    ['cancelTimeoutMs', { knex, cancelTimeoutMs: 1.5 }],
    ['reserve', { knex, reserve: -1 }],
    ['closeTimeoutMs', { knex, closeTimeoutMs: Number.NaN }],
    ['backoff.base', { knex, backoff: null }],
    ['backoff.base', { knex, backoff: { max: 5 } }],
    ['backoff.max', { knex, backoff: { base: 5, max: '10s' } }],
    ['closePools', { knex, closePools: 'no' }],
    ['bindings', { knex, bindings: 1 }],
    ['random', { knex, random: 0.5 }],
    ['sleep', { knex, sleep: 1 }],
  ]
  for (const [name, options] of wrong) {
    const error = await rejection(
      Fastify().register(dbSession, options as DbSessionOptions) as unknown as Promise<void>,
    )
    t.equal(error.code, 'DB_SESSION_OPTION_INVALID')
    t.match(error.message, `\`${name}\``)
    t.notMatch(error.message, '10s', 'and its value is not')
  }
})

t.test('what is right is taken, what is left out has its default', (t) => {
  t.match(readOptions({ knex, acquireTimeoutMs: 5, reserve: 2 }), {
    acquireTimeoutMs: 5,
    reserve: 2,
    statementTimeoutMs: 10_000,
  })
  t.match(readOptions({ knex, acquireTimeoutMs: undefined } as never), DEFAULTS)
  t.ok(Object.isFrozen(DEFAULTS))
  t.end()
})

t.test('a route', (t) => {
  const settings = readOptions({ knex })
  t.same(readWork({}, settings).begin[0], 'BEGIN')
  t.same(readWork({ mode: 'read', isolation: 'serializable', statementTimeoutMs: 0 }, settings), {
    mode: 'read',
    retry: 0,
    commitTimeoutMs: 0,
    begin: [
      'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY',
      'SET LOCAL idle_in_transaction_session_timeout = 60000',
    ],
  })
  t.same(readWork({ statementTimeoutMs: 0 }, readOptions({ knex, idleTimeoutMs: 0 })).begin, ['BEGIN'])
  for (const route of [
    { mode: 'both' },
    { isolation: 'serializable; drop' },
    { retry: 101 },
    { retry: null },
    { statementTimeoutMs: -1 },
  ]) {
    t.throws(() => readWork(route as never, settings), { code: 'DB_SESSION_OPTION_INVALID' })
  }
  t.end()
})
