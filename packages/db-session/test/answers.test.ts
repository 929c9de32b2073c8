/** Every kind of answer, and what another connection sees at the moment its head arrives. */
import { createReadStream } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import t from 'tap'
import { dbSession } from '../src/index.ts'
import { openDatabase, openKnex, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))
const add = (request: FastifyRequest, email = 'x') => request.db('users').insert({ email })

type Answer = (reply: FastifyReply, request: FastifyRequest) => unknown
const good: Record<string, [status: number, answer: Answer]> = {
  'an object': [200, () => ({ fine: true })],
  'a string': [200, () => 'fine'],
  null: [200, () => null],
  nothing: [200, (reply) => reply.send()],
  'a Buffer': [200, () => Buffer.from('fine')],
  'a typed array': [200, (reply) => reply.type('application/octet-stream').send(new Uint8Array([1, 2]))],
  'a stream': [200, (reply) => reply.type('text/plain').send(Readable.from(['fine']))],
  'a web stream': [200, (reply) => reply.send(new Blob(['fine']).stream())],
  'a Response': [201, () => new Response('fine', { status: 201 })],
  'a Response without a body': [204, () => new Response(null, { status: 204 })],
  '201': [201, (reply) => reply.code(201).send({})],
  'an empty 204': [204, (reply) => reply.code(204).send()],
  'a redirect': [302, (reply) => reply.redirect('/there')],
  '304': [304, (reply) => reply.code(304).send()],
  '399': [399, (reply) => reply.code(399).send('odd')],
}
const bad: Record<string, [status: number, answer: Answer]> = {
  '400': [400, (reply) => reply.code(400).send({ no: true })],
  'an empty 404': [404, (reply) => reply.code(404).send()],
  'not found, by `callNotFound()`': [404, (reply) => reply.callNotFound()],
  '500': [500, (reply) => reply.code(500).send()],
  'a 503 that streams': [
    503,
    (reply) =>
      reply
        .code(503)
        .type('text/plain')
        .send(Readable.from(['no'])),
  ],
  'a Response of 404': [404, () => new Response('no', { status: 404 })],
  'an Error that was returned': [500, () => new Error('no')],
  'an Error that was sent': [422, (reply) => reply.send(Object.assign(new Error('no'), { statusCode: 422 }))],
  'something thrown that is no Error': [
    500,
    () => {
      throw 'no'
    },
  ],
  'a payload that cannot be sent': [500, (reply) => reply.type('text/plain').send({})],
  'a header that cannot be sent': [500, (reply) => reply.code(201).header('location', '/a\nb').send({})],
  'one of several headers that cannot be sent': [
    500,
    (reply) => reply.header('set-cookie', ['a=1', 'b=\u{1f4a5}']).send({}),
  ],
  'a header whose name cannot be sent': [500, (reply) => reply.header('x y', '1').send({})],
  'a Response that was read': [
    500,
    async () => {
      const response = new Response('no')
      await response.text()
      return response
    },
  ],
  'a web stream that is read by another': [
    500,
    (reply) => {
      const stream = new Blob(['no']).stream()
      stream.getReader()
      return reply.send(stream)
    },
  ],
  'a file that is not there': [
    500,
    (reply) => reply.type('text/plain').send(createReadStream('/nowhere/at/all')),
  ],
  'a stream that has failed': [
    500,
    async (reply) => {
      const stream = new Readable()
      stream.on('error', () => {}).destroy(new Error('no'))
      await new Promise((resolve) => stream.once('close', resolve))
      return reply.type('text/plain').send(stream)
    },
  ],
}

for (const [stored, answers] of [
  [true, good],
  [false, bad],
] as const) {
  t.test(stored ? 'is stored with' : 'is undone with', async (t) => {
    const { hit, base, knex } = await start(t, database, (app) => {
      for (const [index, [, answer]] of Object.values(answers).entries()) {
        app.post(`/${index}`, async (request, reply) => {
          await add(request)
          return answer(reply, request)
        })
        app.post(`/callback/${index}`, (request, reply) => {
          add(request)
            .then(() => answer(reply, request))
            .then(
              (payload) => payload !== reply && reply.send(payload),
              (error) => reply.send(error instanceof Error ? error : new Error('no', { cause: error })),
            )
        })
      }
    })
    for (const [index, [name, [status]]] of Object.entries(answers).entries()) {
      for (const path of [`/${index}`, `/callback/${index}`]) {
        t.test(name, async (t) => {
          const answer = await fetch(base + path, { method: 'POST', redirect: 'manual' })
          t.same(await database.see('select email from users'), stored ? ['x'] : [])
          t.equal(answer.status, status)
          await answer.arrayBuffer()
          await until(() => used(knex) === 0)
        })
      }
    }
    t.equal((await hit('POST', '/nowhere')).status, 404)
  })
}

t.test('HEAD of a GET route', async (t) => {
  let runs = 0
  const { hit, knex } = await start(
    t,
    database,
    (app) => {
      app.get('/', { config: { db: { retry: 2 } } }, async (request) => {
        runs++
        await add(request)
        return { fine: true }
      })
      app.get('/fails', { config: { db: { retry: 2 } } }, async (request) => {
        runs++
        await request.db.raw("do $$ begin raise exception using errcode = '40001'; end $$")
      })
      app.get('/rows', { config: { db: { mode: 'read' } } }, async (request, reply) =>
        reply.type('text/plain').send(
          request.db
            .raw('select g from generate_series(1, 900) g')
            .stream()
            .map((row) => `${JSON.stringify(row)}\n`),
        ),
      )
      app.get('/without', { exposeHeadRoute: false }, async () => 'fine')
    },
    { sleep: async () => {} },
  )
  t.match(await hit('HEAD', '/'), { status: 200, body: '', seen: ['x'] }, 'stores as GET does')
  t.equal(runs, 1)
  runs = 0
  t.match(await hit('HEAD', '/fails'), { status: 409, seen: ['x'] })
  t.equal(runs, 3, 'and is tried as often')
  t.equal((await hit('HEAD', '/rows')).status, 200)
  await until(() => used(knex) === 0, 'the end of a stream that nobody reads')
  t.equal((await hit('HEAD', '/without')).status, 404)
})

t.test('two answers', async (t) => {
  const { hit, knex } = await start(t, database, (app) => {
    app.post('/good-bad', async (request, reply) => {
      await add(request, 'good')
      reply.code(201).header('x-first', '1').send({ first: true })
      reply.code(500).header('x-second', '1').send({ first: false })
    })
    app.post('/bad-good', async (request, reply) => {
      await add(request, 'bad')
      reply.code(409).send({ first: true })
      reply.code(200).header('location', '/x').send({ first: false })
    })
    app.post('/sent-and-returned', async (request, reply) => {
      await add(request, 'sent')
      reply.code(201).send({ first: true })
      return { first: false }
    })
    app.post('/sent-and-thrown', async (request, reply) => {
      await add(request, 'sent, then thrown')
      reply.code(201).send({ first: true })
      throw new Error('no')
    })
  })
  for (const [path, status, seen] of [
    ['/good-bad', 201, ['good']],
    ['/bad-good', 409, []],
    ['/sent-and-returned', 201, ['sent']],
    ['/sent-and-thrown', 201, ['sent, then thrown']],
  ] as const) {
    t.test(`${path}: the first one stands, and is true`, async (t) => {
      const answer = await hit('POST', path)
      t.match(answer, { status, json: { first: true } })
      t.same(answer.seen, seen)
      for (const name of ['x-second', 'location']) t.equal(answer.headers.get(name), null)
      t.equal(used(knex), 0)
    })
  }
})

t.test('a statement after the answer', async (t) => {
  const codes: string[] = []
  const late = async (request: FastifyRequest) => {
    await add(request, 'late').catch((error) => {
      codes.push(error.code)
      throw error
    })
  }
  const { hit, knex, log } = await start(t, database, (app) => {
    app.post('/after-a-query', async (request, reply) => {
      await add(request, 'in time')
      reply.code(201).send({})
      await late(request)
    })
    app.post('/first', async (request, reply) => {
      reply.code(201).send({})
      await late(request)
    })
    app.post('/after-a-refusal', async (request, reply) => {
      await add(request, 'no')
      reply.code(403).send({})
      await late(request)
    })
  })
  for (const [path, status, seen] of [
    ['/after-a-query', 201, ['in time']],
    ['/first', 201, []],
    ['/after-a-refusal', 403, []],
  ] as const) {
    t.test(`${path} is refused, and the answer is not changed`, async (t) => {
      codes.length = log.length = 0
      const answer = await hit('POST', path)
      t.equal(answer.status, status)
      t.same(answer.seen, seen)
      await until(() => codes.length > 0)
      t.same(codes, ['DB_SESSION_OVER'])
      await until(() => log.length > 0, 'a line in the log')
      t.match(log[0], { err: { code: 'DB_SESSION_OVER' } }, 'and told in the log')
      t.equal(used(knex), 0)
    })
  }
})

t.test('a handler that writes to the socket itself', async (t) => {
  const { hit, knex, log } = await start(t, database, (app) => {
    app.post('/raw', async (request, reply) => {
      await add(request)
      reply.raw.end('done')
    })
    app.post('/hijacked', async (request, reply) => {
      await add(request)
      reply.hijack()
      reply.raw.end('done')
    })
    app.post('/head', async (request, reply) => {
      await add(request, 'head')
      reply.raw.writeHead(200)
      reply.raw.flushHeaders()
      return {}
    })
    app.post('/committed', async (request, reply) => {
      await add(request, 'kept')
      await request.db.commit()
      reply.hijack()
      reply.raw.end('done')
    })
  })
  for (const path of ['/raw', '/hijacked']) {
    log.length = 0
    t.same((await hit('POST', path)).seen, [], 'is undone if it has not committed')
    await until(() => used(knex) === 0 && log.length === 1)
    t.match(log, [{ msg: /ended before its session/ }], 'and told of it')
    t.same(await database.see('select email from users'), [])
  }
  await hit('POST', '/head').catch(() => {})
  await until(() => used(knex) === 0)
  log.length = 0
  t.same((await hit('POST', '/committed')).seen.slice(-1), ['kept'], 'and stored if it has')
  t.same(log, [])
})

t.test('a stream that fails later', async (t) => {
  const { hit, base, knex } = await start(t, database, (app) => {
    const stored = () => until(async () => (await database.see('select email from users')).length === 1)
    app.post('/before-a-byte', async (request, reply) => {
      await add(request)
      const text = new Readable({ read() {} })
      stored().then(() => text.destroy(new Error('no')))
      return reply.type('text/plain').send(text)
    })
    app.post('/after-a-byte', async (request, reply) => {
      await add(request)
      const text = Readable.from(
        (async function* () {
          yield 'byte'
          await stored()
          throw new Error('no')
        })(),
      )
      return reply.type('text/plain').send(text)
    })
    app.get('/file', { config: { db: { mode: 'read' } } }, async (request, reply) => {
      await request.db.raw('select 1')
      return reply.type('text/plain').send(createReadStream('/nowhere/at/all'))
    })
  })
  t.test('is harmless, but comes after the COMMIT', async (t) => {
    const answer = await fetch(`${base}/after-a-byte`, { method: 'POST' })
    t.equal(answer.status, 200)
    await t.rejects(answer.text(), 'and breaks the answer off')
    t.same(await database.see('select email from users'), ['x'])
    await database.other.query('truncate users cascade')
    const before = await hit('POST', '/before-a-byte')
    t.match(before, { status: 500, seen: ['x'] }, 'so that a 500 of the stream does not undo it')
    await until(() => used(knex) === 0)
  })
  t.test('in a session of mode read', async (t) => {
    t.equal((await hit('GET', '/file')).status, 500)
    await until(() => used(knex) === 0)
  })
})

t.test('a session that something slow comes before', async (t) => {
  let release = (): void => {}
  let at = 0
  const { app, hit, knex } = await start(t, database, (app) => {
    const gate = () =>
      new Promise<void>((resolve) => {
        at++
        release = resolve
      })
    app.post('/before', async (request) => {
      const { db } = request
      await gate()
      await db('users').insert({ email: 'before' })
      return {}
    })
    app.post('/between', async (request) => {
      await add(request, 'between')
      await gate()
      return {}
    })
    app.post('/body', async (request) => {
      await add(request, 'body')
      return {}
    })
    app.addHook('onRequest', async (request) => void request.db)
  })
  t.test('holds no connection', async (t) => {
    const answer = hit('POST', '/before')
    await until(() => at === 1)
    t.equal(used(knex), 0)
    release()
    t.same((await answer).seen, ['before'])
  })
  t.test('and one if it comes after a statement, of which nobody sees anything yet', async (t) => {
    const answer = hit('POST', '/between')
    await until(() => at === 2)
    t.equal(used(knex), 1)
    t.same(await database.see('select email from users'), [])
    release()
    t.same((await answer).seen, ['between'])
  })
  t.test('as a body that comes slowly', async (t) => {
    const acquired: unknown[] = []
    knex.client.pool.on('acquireRequest', (id: unknown) => acquired.push(id))
    const arrived = new Promise((resolve) => app.server.once('request', resolve))
    const socket = net.connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(
      'POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{',
    )
    await arrived
    t.same(acquired, [])
    socket.write('}')
    let text = ''
    for await (const data of socket) text += data
    t.match(text, /^HTTP\/1.1 200/)
    t.equal(acquired.length, 1)
    t.same(await database.see('select email from users'), ['body'])
  })
})

t.test('two services, or two parts of one, each with a database of its own', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  for (const name of ['a', 'b']) {
    await app.register(async (part) => {
      await part.register(dbSession, { knex: openKnex(`${database.url}?application_name=${name}`, 1) })
      part.get(`/${name}`, async (request) => {
        await add(request, name)
        return (await request.db.raw("select current_setting('application_name') as name")).rows[0].name
      })
    })
  }
  if (!process.env.DB_SESSION_TEST_VIA)
    t.same([(await app.inject('/a')).body, (await app.inject('/b')).body], ['a', 'b'])
  else await Promise.all([app.inject('/a'), app.inject('/b')])
  t.same((await database.see('select email from users')).sort(), ['a', 'b'])
  const twice = Fastify()
  await twice.register(dbSession, { knex: openKnex(database.url, 1) })
  await t.rejects(async () => twice.register(dbSession, { knex: openKnex(database.url, 1) }), {
    code: 'FST_ERR_DEC_ALREADY_PRESENT',
  })
  await twice.close().catch(() => {})
})

t.test('a pool that is closed too early', async (t) => {
  let closing: Promise<void> | undefined
  const { app, hit, knex } = await start(t, database, (app) => {
    app.post('/ok', async (request) => add(request, 'ok'))
    app.post('/within', async (request) => {
      await add(request, 'within')
      closing = knex.destroy()
      return {}
    })
  })
  t.match(await hit('POST', '/within'), { status: 200, seen: ['within'] })
  await closing
  t.match(await hit('POST', '/ok'), { status: 503, json: { code: 'DB_SESSION_UNAVAILABLE' } })
  t.equal((await app.inject('/nowhere')).statusCode, 404, 'the service is still there')
})
