/** Routes whose handler other plugins call, with other arguments. */
import websocket from '@fastify/websocket'
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteHandler,
} from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { dbSession } from '../src/index.ts'
import { openDatabase, openKnex, raise, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))

const add = (request: FastifyRequest, email: string) => request.db('users').insert({ email })

/** An app that has both plugins, registered in either order. */
async function serve(
  t: Test,
  order: 'before' | 'after',
  plugin: (app: FastifyInstance) => unknown,
  routes: (app: FastifyInstance) => void,
) {
  const log: { level: number; msg: string }[] = []
  const stream = { write: (line: string) => void log.push(JSON.parse(line)) }
  const app = Fastify({ logger: { level: 'warn', stream } })
  const knex = openKnex(database.url)
  if (order === 'before') await plugin(app)
  await app.register(dbSession, { knex, closePools: true, sleep: async () => {} })
  if (order === 'after') await plugin(app)
  routes(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const { port } = app.server.address() as { port: number }
  return { app, knex, log, base: `127.0.0.1:${port}` }
}

/** Opens a socket, sends each text and returns the responses, and the code that it was closed with if it was. */
async function talk(url: string, texts: string[]): Promise<unknown[]> {
  const socket = new WebSocket(url)
  const seen: unknown[] = []
  const ended = new Promise<void>((resolve) => {
    socket.on('error', (error) => seen.push(error.message))
    socket.on('close', (code) => {
      if (code !== 1005) seen.push(code)
      resolve()
    })
  })
  socket.on('open', () => socket.send(texts.shift() as string))
  socket.on('message', (data) => {
    seen.push(String(data))
    const next = texts.shift()
    if (next === undefined) socket.close()
    else socket.send(next)
  })
  await ended
  return seen
}

for (const order of ['before', 'after'] as const) {
  t.test(`@fastify/websocket registered ${order} db-session`, async (t) => {
    let runs = 0
    const codes: string[] = []
    const { base, knex, log, app } = await serve(
      t,
      order,
      (app) => app.register(websocket),
      (app) => {
        app.get('/echo', { websocket: true }, (socket) => {
          socket.on('message', (data) => socket.send(`echo ${data}`))
        })
        app.get('/async', { websocket: true, config: { db: { retry: 2 } } }, async (socket) => {
          socket.on('message', (data) => socket.send(`echo ${data}`))
        })
        app.get('/unit', { websocket: true }, (socket) => {
          socket.on('message', async (data) => {
            const { rows } = await app.unitOfWork((db) =>
              db.query('insert into users (email) values ($1) returning email', [String(data)]),
            )
            socket.send(rows[0].email)
          })
        })
        app.get('/session', { websocket: true }, (socket, request) => {
          socket.on('message', async (data) => {
            try {
              await add(request, String(data))
              await request.db.commit()
              socket.send('stored')
            } catch (error) {
              codes.push((error as { code: string }).code)
              socket.send('failed')
            }
          })
        })
        app.get('/read', { websocket: true, config: { db: { mode: 'read' } } }, (socket, request) => {
          socket.on('message', async () => {
            socket.send(String((await request.db.query('select 5 as five')).rows[0].five))
          })
        })
        app.get('/fails', { websocket: true }, async () => {
          throw new Error('of the handler')
        })
        app.route({
          method: 'GET',
          url: '/both',
          handler: async (request, reply) => {
            await add(request, 'http')
            return reply.code(201).send({})
          },
          wsHandler: (socket) => {
            socket.on('message', () => socket.send('ws'))
          },
        })
        app.post('/retry', { config: { db: { retry: 2 } } }, async (request, reply) => {
          await add(request, `run ${++runs}`)
          if (runs === 1) await request.db.query(raise('40001'))
          return reply.code(201).send({})
        })
      },
    )
    t.test(`a websocket route without a query works, registered ${order}`, async (t) => {
      t.same(await talk(`ws://${base}/echo`, ['1', '2']), ['echo 1', 'echo 2'])
      t.same(await talk(`ws://${base}/async`, ['1', '2']), ['echo 1', 'echo 2'], 'also with retry')
      t.same(log, [])
    })
    t.test(`a websocket route can use units of work, registered ${order}`, async (t) => {
      t.same(await talk(`ws://${base}/unit`, ['a', 'b']), ['a', 'b'])
      t.same(await database.see('select email from users order by id'), ['a', 'b'])
    })
    t.test(`a websocket route can use the session of its request, registered ${order}`, async (t) => {
      t.same(await talk(`ws://${base}/session`, ['a', 'b']), ['stored', 'stored'])
      t.same(codes, [])
      t.same(await database.see('select email from users order by id'), ['a', 'b'])
      t.same(await talk(`ws://${base}/read`, ['1', '2']), ['5', '5'])
      await until(() => used(knex) === 0, 'the release of the connection')
    })
    t.test(`a websocket handler that fails closes its own socket only, registered ${order}`, async (t) => {
      t.same(await talk(`ws://${base}/fails`, ['1']), [1006])
      t.same(await talk(`ws://${base}/echo`, ['1']), ['echo 1'])
    })
    t.test(`a route with both handlers serves both, registered ${order}`, async (t) => {
      t.same(await talk(`ws://${base}/both`, ['1']), ['ws'])
      t.equal((await fetch(`http://${base}/both`)).status, 201)
      t.same(await database.see('select email from users'), ['http'])
    })
    t.test(`other routes work as without websockets, registered ${order}`, async (t) => {
      t.equal((await fetch(`http://${base}/echo`)).status, 404, 'a websocket route without an upgrade')
      t.equal((await app.inject({ method: 'POST', url: '/retry' })).statusCode, 201)
      t.same(await database.see('select email from users'), ['run 2'])
      t.equal(used(knex), 0)
    })
  })

  t.test(`a plugin that calls handlers with a context, registered ${order} db-session`, async (t) => {
    const { app, knex } = await serve(
      t,
      order,
      (app) =>
        app.register(
          fp(async (app: FastifyInstance) => {
            app.addHook('onRoute', (route) => {
              const handler = route.handler as unknown as (context: object, extra: string) => unknown
              route.handler = function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
                return handler.call(this, { request, reply }, 'extra')
              } as RouteHandler
            })
          }),
        ),
      (app) => {
        const route = (handler: (context: { request: FastifyRequest; reply: FastifyReply }) => unknown) =>
          handler as never as RouteHandler
        app.post(
          '/good',
          route(async ({ request, reply }) => {
            await add(request, 'good')
            return reply.code(201).send({})
          }),
        )
        app.post(
          '/bad',
          route(async ({ request }) => {
            await add(request, 'bad')
            throw new Error('no')
          }),
        )
        app.post(
          '/conflict',
          route(async ({ request }) => {
            await add(request, 'good')
            await add(request, 'good')
          }),
        )
        app.post(
          '/deferred',
          route(async ({ request, reply }) => {
            reply.header('location', '/users/1')
            await request.db('users').insert({ email: 'deferred', parent: 99 })
            return reply.code(201).header('set-cookie', 'session=1').send({})
          }),
        )
      },
    )
    const post = async (url: string) => (await app.inject({ method: 'POST', url })).statusCode
    t.same([await post('/good'), await post('/bad'), await post('/conflict')], [201, 500, 409])
    const { statusCode, headers } = await app.inject({ method: 'POST', url: '/deferred' })
    t.same([statusCode, headers.location, headers['set-cookie']], [409, undefined, undefined])
    t.same(await database.see('select email from users'), ['good'])
    t.equal(used(knex), 0)
  })

  t.test(`a plugin that gives handlers another request, registered ${order} db-session`, async (t) => {
    let runs = 0
    const wrappers: Record<string, (request: FastifyRequest) => FastifyRequest> = {
      derived: (request) => Object.create(request),
      proxied: (request) => new Proxy(request, {}),
    }
    for (const [name, wrap] of Object.entries(wrappers)) {
      await database.other.query('truncate users cascade')
      runs = 0
      const { app, knex } = await serve(
        t,
        order,
        (app) =>
          app.register(
            fp(async (app: FastifyInstance) => {
              app.addHook('onRoute', (route) => {
                const { handler } = route
                route.handler = function (
                  this: FastifyInstance,
                  request: FastifyRequest,
                  reply: FastifyReply,
                ) {
                  return handler.call(this, wrap(request), reply)
                } as RouteHandler
              })
            }),
          ),
        (app) => {
          app.post('/', { config: { db: { retry: 2 } } }, async (request, reply) => {
            await add(request, `run ${++runs}`)
            if (runs === 1) await request.db.query(raise('40001'))
            return reply.code(201).send({})
          })
        },
      )
      t.equal((await app.inject({ method: 'POST', url: '/' })).statusCode, 201, name)
      t.same(await database.see('select email from users'), ['run 2'], name)
      t.equal(used(knex), 0)
    }
  })
}

t.test('a handler that a plugin calls without arguments gets none', async (t) => {
  const seen: unknown[] = []
  const { hit } = await start(t, database, async (app) => {
    app.addHook('onRoute', (route) => {
      const handler = route.handler as unknown as (...args: unknown[]) => unknown
      route.handler = (async () => handler()) as never
    })
    for (const retry of [0, 2])
      app.get(`/${retry}`, { config: { db: { retry } } }, async (...args: unknown[]) => {
        seen.push(args.length)
        return {}
      })
  })
  for (const retry of [0, 2]) t.equal((await hit('GET', `/${retry}`)).status, 200)
  t.same(seen, [0, 0])
})
