/** An unknown option, or an invalid value of an option, is an error where it is passed. */
import Fastify from 'fastify'
import t from 'tap'
import { DbSessionError, dbSession } from '../src/index.ts'
import { createUnitOfWork } from '../src/unit-of-work.ts'
import { openDatabase, openKnex, rejection, start } from './setup.ts'

const database = await openDatabase(t)
const knex = openKnex(database.url)
t.teardown(() => knex.destroy())

async function register(options: object): Promise<Error & { code?: string }> {
  const app = Fastify()
  t.teardown(() => app.close())
  return rejection((async () => app.register(dbSession, { knex, ...options } as never).ready())())
}

for (const [given, meant] of [
  ['acquireTimeout', 'acquireTimeoutMs'],
  ['statementTimeout', 'statementTimeoutMs'],
  ['statementTimeoutMS', 'statementTimeoutMs'],
  ['idleTimeoutms', 'idleTimeoutMs'],
  ['closePool', 'closePools'],
  ['Knex', 'knex'],
  ['replicas', 'replica'],
  ['binding', 'bindings'],
  ['backOff', 'backoff'],
  ['begins', 'begin'],
  ['named', 'name'],
] as const) {
  t.test(`the unknown option ${given} of the plugin is an error that suggests ${meant}`, async (t) => {
    const error = await register({ [given]: 1_000 })
    t.ok(error instanceof DbSessionError)
    t.equal(error.code, 'DB_SESSION_OPTION_INVALID')
    t.match(error.message, `Unknown option \`${given}\`. Did you mean \`${meant}\`?`)
  })
}

t.test('options that are unknown, removed, or named like members of every object are errors', async (t) => {
  const own = (name: string) => Object.defineProperty({}, name, { value: 1, enumerable: true })
  for (const name of [
    'replicaFor',
    'reserve',
    'xyzzy',
    'toString',
    'constructor',
    '__proto__',
    'hasOwnProperty',
  ]) {
    const error = await rejection(
      (async () => {
        const app = Fastify()
        t.teardown(() => app.close())
        await app.register(dbSession, Object.assign(own(name), { knex }) as never)
      })(),
    )
    t.match(error, { code: 'DB_SESSION_OPTION_INVALID', message: `\`${name}\`` }, name)
  }
})

t.test('an option with an invalid value is an error', async (t) => {
  for (const options of [
    { knex: undefined },
    { knex: {} },
    { replica: {} },
    { name: '' },
    { name: 3 },
    { begin: 'set local role x' },
    { begin: 3 },
    { acquireTimeoutMs: 0 },
    { acquireTimeoutMs: '2000' },
    { statementTimeoutMs: -1 },
    { statementTimeoutMs: Number.NaN },
    { closePools: 'yes' },
    { backoff: { base: -1, max: 1 } },
    { backoff: { bass: 1, max: 1 } },
    { backoff: { base: 1, max: 1, factor: 2 } },
  ]) {
    t.match(await register(options), { code: 'DB_SESSION_OPTION_INVALID' }, JSON.stringify(options))
  }
})

t.test('an option that is undefined gets its default', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const options = { acquireTimeoutMs: undefined, begin: undefined, name: undefined, replica: undefined }
  await app.register(dbSession, { knex, ...options } as never)
  app.get('/', async ({ db }) => (await db.query('select 1 as one')).rows[0])
  t.same((await app.inject('/')).json(), { one: 1 })
})

t.test(
  'options of createUnitOfWork that are not an object, or a log without its methods, are errors',
  async (t) => {
    for (const options of [
      undefined,
      null,
      [],
      'knex',
      { knex, log: {} },
      { knex, log: null },
      { knex, log: 'all' },
    ])
      t.throws(() => createUnitOfWork(options as never), { code: 'DB_SESSION_OPTION_INVALID' })
    const { close } = createUnitOfWork({ knex, log: { warn() {}, error() {} } })
    await close()
  },
)

const wrongRoutes: Record<string, [db: unknown, message: RegExp]> = {
  'retries, which means retry': [{ retries: 3 }, /Unknown option `retries`\. Did you mean `retry`\?/],
  'isolationLevel, which means isolation': [
    { isolationLevel: 'serializable' },
    /Unknown option `isolationLevel`\. Did you mean `isolation`\?/,
  ],
  'statementTimeout, which means statementTimeoutMs': [
    { statementTimeout: 5 },
    /Did you mean `statementTimeoutMs`\?/,
  ],
  'Mode, which means mode': [{ Mode: 'read' }, /Did you mean `mode`\?/],
  'snapshot, which does not exist': [{ mode: 'read', snapshot: false }, /`snapshot`/],
  'an option of the plugin': [{ acquireTimeoutMs: 5 }, /`acquireTimeoutMs`/],
  'a replica in mode write': [{ replica: true }, /replica/],
  'a replica in mode write, by its name': [{ mode: 'write', replica: true }, /replica/],
  'a replica that is not a boolean': [{ mode: 'read', replica: 'yes' }, /replica/],
  'a mode that does not exist': [{ mode: 'reed' }, /mode/],
  'an isolation that does not exist': [{ isolation: 'SERIALIZABLE' }, /isolation/],
  'too many retries': [{ retry: 101 }, /retry/],
  'half a retry': [{ retry: 0.5 }, /retry/],
  'a string': ['read', /an object, got a value of type string/],
  'an array': [[], /an object, got a value of type array/],
  null: [null, /an object, got a value of type null/],
}

t.test('a route', async (t) => {
  const { app: unit } = await start(t, database, () => {})
  for (const [title, [db, message]] of Object.entries(wrongRoutes)) {
    t.test(`a route with ${title} is an error when it is added`, async (t) => {
      const app = Fastify()
      t.teardown(() => app.close())
      await app.register(dbSession, { knex })
      const add = () => app.get('/', { config: { db } } as never, async () => ({}))
      t.throws(add, { code: 'DB_SESSION_OPTION_INVALID', message })
      const error = await rejection((async () => unit.unitOfWork(async () => {}, db as never))())
      t.match(error, { code: 'DB_SESSION_OPTION_INVALID', message }, 'the same in a unit of work')
    })
  }
  t.test('an unknown option of a nested unit of work is an error of the call', async (t) => {
    await unit.unitOfWork(async (db) => {
      const error = await rejection((async () => db.unitOfWork(async () => {}, { retries: 3 } as never))())
      t.match(error, { code: 'DB_SESSION_OPTION_INVALID', message: /Did you mean `retry`/ })
    })
  })
  t.test('every option that exists is accepted', async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(dbSession, { knex })
    const db = {
      mode: 'read',
      isolation: 'serializable',
      retry: 3,
      statementTimeoutMs: 0,
      replica: true,
    } as const
    app.get('/', { config: { db } }, async (request) => (await request.db.query('select 1 as one')).rows[0])
    t.same((await app.inject('/')).json(), { one: 1 }, 'without a replica, the primary serves')
  })
})
