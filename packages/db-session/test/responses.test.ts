/** Every kind of response, and the rows that another connection sees when the response's head arrives. */
import { createReadStream } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { pipeline, Readable, Transform } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { openDatabase, raise, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))
const ROWS = 'select g as id, repeat(chr(120), 2000) as text from generate_series(1, 900) g'
const add = (request: FastifyRequest, email = 'x') => request.db('users').insert({ email })

type Respond = (reply: FastifyReply, request: FastifyRequest) => unknown
const good: Record<string, [status: number, respond: Respond]> = {
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
const bad: Record<string, [status: number, respond: Respond]> = {
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
  'a thrown value that is not an Error': [
    500,
    () => {
      throw 'no'
    },
  ],
  'a payload that cannot be sent': [500, (reply) => reply.type('text/plain').send({})],
  'a payload that cannot be serialized': [
    500,
    (reply) =>
      reply
        .serializer(() => {
          throw new Error('no')
        })
        .send({}),
  ],
  'a 200 after `rollbackOnly()`': [
    200,
    (_reply, request) => {
      request.db.rollbackOnly()
      request.db.afterCommit(() => t.fail('nothing is committed'))
      return { fine: true }
    },
  ],
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

/** The responses that a handler without a promise sends too. */
const CALLBACKS = ['an object', 'a stream', '400', 'an Error that was sent', 'a header that cannot be sent']

for (const [isCommitted, responses] of [
  [true, good],
  [false, bad],
] as const) {
  const does = isCommitted ? 'commits' : 'rolls back'
  t.test(`a response ${does} before its head is sent`, async (t) => {
    const { base, knex } = await start(t, database, (app) => {
      for (const [index, [, respond]] of Object.values(responses).entries()) {
        app.post(`/${index}`, async (request, reply) => {
          await add(request)
          return respond(reply, request)
        })
        app.post(`/callback/${index}`, (request, reply) => {
          add(request)
            .then(() => respond(reply, request))
            .then(
              (payload) => payload !== reply && reply.send(payload),
              (error) => reply.send(error instanceof Error ? error : new Error('no', { cause: error })),
            )
        })
      }
    })
    for (const [index, [name, [status]]] of Object.entries(responses).entries()) {
      const kinds = [['async', `/${index}`]]
      if (CALLBACKS.includes(name)) kinds.push(['callback', `/callback/${index}`])
      for (const [kind, path] of kinds) {
        t.test(`${name} from an ${kind} handler ${does}`, async (t) => {
          const response = await fetch(`${base}${path}`, { method: 'POST', redirect: 'manual' })
          t.same(await database.see('select email from users'), isCommitted ? ['x'] : [])
          t.equal(response.status, status)
          await response.arrayBuffer()
          await until(() => used(knex) === 0)
        })
      }
    }
  })
}

t.test('HEAD of a GET route', async (t) => {
  let runs = 0
  const { hit, knex, log } = await start(
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
        await request.db.raw(raise('40001'))
      })
      app.get('/rows', { config: { db: { mode: 'read' } } }, async (request, reply) =>
        reply.type('text/plain').send(lines(request.db.raw(ROWS).stream())),
      )
      app.get('/without', { exposeHeadRoute: false }, async () => 'fine')
    },
    { sleep: async () => {} },
  )
  t.test('HEAD commits as GET does', async (t) => {
    t.match(await hit('HEAD', '/'), { status: 200, body: '', seen: ['x'] })
    t.equal(runs, 1)
  })
  t.test('HEAD is retried as GET is', async (t) => {
    runs = 0
    t.match(await hit('HEAD', '/fails'), { status: 409, seen: [] })
    t.equal(runs, 3)
  })
  t.test('HEAD closes a row stream that is not sent, and logs nothing', async (t) => {
    log.length = 0
    for (let count = 0; count < 3; count++) {
      t.equal((await hit('HEAD', '/rows')).status, 200)
      await until(() => used(knex) === 0)
    }
    t.same(log, [])
  })
  t.test('a GET route without a HEAD route responds to HEAD with 404', async (t) => {
    t.equal((await hit('HEAD', '/without')).status, 404)
  })
})

t.test('two responses', async (t) => {
  const { hit, knex } = await start(t, database, (app) => {
    app.post('/201-500', async (request, reply) => {
      await add(request)
      reply.code(201).header('x-first', '1').send({ first: true })
      reply.code(500).header('x-second', '1').send({ first: false })
    })
    app.post('/409-200', async (request, reply) => {
      await add(request)
      reply.code(409).send({ first: true })
      reply.code(200).header('location', '/x').send({ first: false })
    })
    app.post('/sent-and-returned', async (request, reply) => {
      await add(request)
      reply.code(201).send({ first: true })
      return { first: false }
    })
    app.post('/sent-and-thrown', async (request, reply) => {
      await add(request)
      reply.code(201).send({ first: true })
      throw new Error('no')
    })
  })
  for (const [path, status, seen] of [
    ['/201-500', 201, ['x']],
    ['/409-200', 409, []],
    ['/sent-and-returned', 201, ['x']],
    ['/sent-and-thrown', 201, ['x']],
  ] as const) {
    t.test(`the first of two responses decides between COMMIT and ROLLBACK: ${path}`, async (t) => {
      const response = await hit('POST', path)
      t.match(response, { status, json: { first: true } })
      t.same(response.seen, seen)
      for (const name of ['x-second', 'location']) t.equal(response.headers.get(name), null)
      t.equal(used(knex), 0)
    })
  }
})

t.test('a statement after the response', async (t) => {
  const codes: string[] = []
  const late = async (request: FastifyRequest) => {
    await add(request, 'late').catch((error) => {
      codes.push(error.code)
      throw error
    })
  }
  const { hit, knex, log } = await start(t, database, (app) => {
    app.post('/after-a-statement', async (request, reply) => {
      await add(request)
      reply.code(201).send({})
      await late(request)
    })
    app.post('/first', async (request, reply) => {
      reply.code(201).send({})
      await late(request)
    })
    app.post('/after-a-403', async (request, reply) => {
      await add(request)
      reply.code(403).send({})
      await late(request)
    })
  })
  for (const [path, status, seen] of [
    ['/after-a-statement', 201, ['x']],
    ['/first', 201, []],
    ['/after-a-403', 403, []],
  ] as const) {
    t.test(`a statement after the response is rejected and logged: ${path}`, async (t) => {
      codes.length = log.length = 0
      const response = await hit('POST', path)
      t.equal(response.status, status)
      t.same(response.seen, seen)
      await until(() => codes.length > 0 && log.length > 0)
      t.same(codes, ['DB_SESSION_OVER'])
      t.match(log[0], { err: { code: 'DB_SESSION_OVER' } })
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
      await add(request)
      reply.raw.writeHead(200)
      reply.raw.flushHeaders()
      return {}
    })
    app.post('/committed', async (request, reply) => {
      await add(request)
      await request.db.commit()
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.raw.end('data: 1\n\n')
    })
  })
  for (const path of ['/raw', '/hijacked']) {
    t.test(`a response that bypasses Fastify rolls back and is logged: ${path}`, async (t) => {
      log.length = 0
      t.match(await hit('POST', path), { body: 'done', seen: [] })
      await until(() => used(knex) === 0 && log.length === 1)
      t.match(log, [{ msg: /ended before its session/ }])
      t.same(await database.see('select email from users'), [])
    })
  }
  t.test('a head that is written before the handler returns leaves no connection in use', async () => {
    await hit('POST', '/head').catch(() => {})
    await until(() => used(knex) === 0)
  })
  t.test('a hijacked response after an early commit() keeps that commit, and logs nothing', async (t) => {
    log.length = 0
    t.match(await hit('POST', '/committed'), { body: 'data: 1\n\n', seen: ['x'] })
    t.same(log, [])
  })
})

t.test('a response stream', async (t) => {
  const { hit, base, knex, log } = await start(t, database, (app) => {
    const committed = () => until(async () => (await database.see('select email from users')).length === 1)
    app.get('/rows', { config: { db: { mode: 'read' } } }, async (request, reply) =>
      reply.type('application/x-ndjson').send(lines(request.db.raw(ROWS).stream())),
    )
    app.get('/piped', { config: { db: { mode: 'read' } } }, async (request, reply) => {
      const { last } = request.query as { last: string }
      const rows = request.db.raw('select 1 / (? - g) as g from generate_series(1, 900) g', [last]).stream()
      const transform = (row: object, _encoding: string, done: (error: null, line: string) => void) =>
        done(null, `${JSON.stringify(row)}\n`)
      return reply.type('text/plain').send(rows.pipe(new Transform({ writableObjectMode: true, transform })))
    })
    app.get('/generated', { config: { db: { mode: 'read' } } }, async (request, reply) =>
      reply.type('text/plain').send(
        Readable.from(
          (async function* () {
            for (let i = 0; i < 3; i++) yield String((await request.db.query('select 1 as one')).rows[0].one)
          })(),
        ),
      ),
    )
    app.get(
      '/failed-transaction',
      { config: { db: { mode: 'read', isolation: 'repeatable read' } } },
      async (request, reply) => {
        await request.db.query('select 1/0').catch(() => {})
        return reply.type('text/plain').send(Readable.from(['text']))
      },
    )
    app.post('/rows', async (request) => {
      await add(request)
      return lines(request.db.raw(ROWS).stream())
    })
    app.post('/rows-first', (request, reply) => {
      reply.send(lines(request.db.raw(ROWS).stream()))
    })
    app.post('/fails-before-a-byte', async (request, reply) => {
      await add(request)
      const text = new Readable({ read() {} })
      committed().then(() => text.destroy(new Error('no')))
      return reply.type('text/plain').send(text)
    })
    app.post('/fails-after-a-byte', async (request, reply) => {
      await add(request)
      const text = Readable.from(
        (async function* () {
          yield 'byte'
          await committed()
          throw new Error('no')
        })(),
      )
      return reply.type('text/plain').send(text)
    })
    app.get('/missing-file', { config: { db: { mode: 'read' } } }, async (request, reply) => {
      await request.db.query('select 1')
      return reply.type('text/plain').send(createReadStream('/nowhere/at/all'))
    })
  })
  t.test('a stream of 900 rows is complete and returns its connection', async (t) => {
    const response = await hit('GET', '/rows')
    t.equal(response.body.trim().split('\n').length, 900)
    await until(() => used(knex) === 0)
  })
  t.test('a row stream that fails aborts the response that it was piped to', async (t) => {
    t.equal((await hit('GET', '/piped?last=901')).body.split('\n').length, 901)
    const outcome = await hit('GET', '/piped?last=700').catch((error) => error)
    t.ok(outcome instanceof TypeError || outcome.status === 500, 'it does not wait for the rest')
    await until(() => used(knex) === 0)
    log.splice(0)
  })
  t.test('a stream of rows whose client disconnects returns its connection', async (t) => {
    const controller = new AbortController()
    const response = await fetch(`${base}/rows`, { signal: controller.signal })
    await response.body?.getReader().read()
    t.equal(used(knex), 1)
    controller.abort()
    await until(() => used(knex) === 0)
    t.equal((await hit('GET', '/rows')).status, 200)
    await until(() => used(knex) === 0)
  })
  t.test("a session with mode 'read' lasts as long as its response stream", async (t) => {
    t.equal((await hit('GET', '/generated')).body, '111')
    await until(() => used(knex) === 0)
  })
  t.test('a transaction that fails behind a response stream is logged', async (t) => {
    t.equal((await hit('GET', '/failed-transaction')).body, 'text')
    await until(() => log.some((line) => /did not commit/.test(String(line.msg))))
    t.equal(used(knex), 0)
  })
  for (const path of ['/rows', '/rows-first']) {
    t.test(`a session that may write cannot stream its rows to the client: ${path}`, async (t) => {
      t.match(await hit('POST', path), {
        status: 500,
        json: { code: 'DB_SESSION_STREAM_OPEN' },
        seen: [],
      })
      t.equal(used(knex), 0)
    })
  }
  t.test('a stream that fails after the head aborts the response, after the commit', async (t) => {
    const response = await fetch(`${base}/fails-after-a-byte`, { method: 'POST' })
    t.equal(response.status, 200)
    await t.rejects(response.text())
    t.same(await database.see('select email from users'), ['x'])
  })
  t.test('a stream that fails before its first byte is a 500, after the commit', async (t) => {
    t.match(await hit('POST', '/fails-before-a-byte'), { status: 500, seen: ['x'] })
    await until(() => used(knex) === 0)
  })
  t.test("a file that is missing is a 500 in a session with mode 'read' too", async (t) => {
    t.equal((await hit('GET', '/missing-file')).status, 500)
    await until(() => used(knex) === 0)
  })
})

t.test('a connection', async (t) => {
  let release = (): void => {}
  let reached = 0
  const acquired: unknown[] = []
  const { app, hit, knex } = await start(t, database, (app) => {
    const gate = () =>
      new Promise<void>((resolve) => {
        reached++
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
    app.post('/unused', async (request) => ({ mode: request.db.mode }))
    app.addHook('onRequest', async (request) => void request.db)
  })
  knex.client.pool.on('acquireRequest', (id: unknown) => acquired.push(id))
  t.beforeEach(() => {
    acquired.length = reached = 0
  })
  t.test('a session without a statement takes no connection', async (t) => {
    t.match(await hit('POST', '/unused'), { status: 200, json: { mode: 'write' } })
    t.same(acquired, [])
  })
  t.test('a session takes no connection before its first statement', async (t) => {
    const response = hit('POST', '/before')
    await until(() => reached === 1)
    t.same(acquired, [])
    release()
    t.same((await response).seen, ['before'])
    t.equal(acquired.length, 1)
  })
  t.test(
    'a session keeps its connection between two statements, and its rows are not visible to others',
    async (t) => {
      const response = hit('POST', '/between')
      await until(() => reached === 1)
      t.equal(used(knex), 1)
      t.same(await database.see('select email from users'), [])
      release()
      t.same((await response).seen, ['between'])
    },
  )
  t.test('a session takes no connection while the body of its request arrives', async (t) => {
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

/** Returns rows as lines of JSON. An error while reading them ends the stream. */
function lines(rows: NodeJS.ReadableStream): Transform {
  const text = new Transform({
    writableObjectMode: true,
    transform: (row, _encoding, done) => done(null, `${JSON.stringify(row)}\n`),
  })
  return pipeline(rows, text, () => {})
}
