/** Hooks, error handlers and encapsulated plugins around the session of a request. */
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import t from 'tap'
import { dbSession } from '../src/index.ts'
import { openDatabase, openKnex, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))
type Handler = (
  error: Error & { statusCode: number },
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<unknown>
const add = async (request: FastifyRequest, email: string) => {
  await request.db('users').insert({ email })
}
const refusal = (statusCode: number) => Object.assign(new Error('no'), { statusCode })

t.test('a statement in a hook before the handler', async (t) => {
  const { app, hit, knex } = await start(t, database, (app) => {
    for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
      const hooks = { [hook]: async (request: FastifyRequest) => add(request, hook) }
      app.post(`/${hook}`, hooks, async (request) => add(request, 'handler').then(() => 'fine'))
      app.post(`/${hook}/sends`, {
        [hook]: async (request: FastifyRequest, reply: FastifyReply) => {
          await add(request, hook)
          return reply.code(403).send({ no: true })
        },
        handler: async () => t.fail('the handler is not reached'),
      })
      app.post(`/${hook}/throws`, {
        [hook]: async (request: FastifyRequest) => {
          await add(request, hook)
          throw refusal(401)
        },
        handler: async () => t.fail('the handler is not reached'),
      })
    }
    app.post('/body', {
      onRequest: async (request) => add(request, 'onRequest'),
      schema: { body: { type: 'object', required: ['name'] } },
      handler: async () => 'fine',
    })
  })
  for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler']) {
    t.test(`a statement in ${hook} is in the session of the handler`, async (t) => {
      t.match(await hit('POST', `/${hook}`), { status: 200, seen: [hook, 'handler'] })
    })
    t.test(`a statement in ${hook} rolls back if ${hook} responds with an error`, async (t) => {
      t.match(await hit('POST', `/${hook}/sends`), { status: 403 })
      t.match(await hit('POST', `/${hook}/throws`), { status: 401 })
      t.same(await database.see('select email from users'), [])
    })
  }
  t.test('a statement in a hook before the body is parsed rolls back if the body is rejected', async (t) => {
    for (const body of [{ name: 'x' }, {}]) {
      await database.other.query('truncate users cascade')
      const response = await hit('POST', '/body', body)
      t.match([response.status, response.seen], 'name' in body ? [200, ['onRequest']] : [400, []])
    }
    const broken = await app.inject({
      method: 'POST',
      url: '/body',
      headers: { 'content-type': 'application/json' },
      payload: '{',
    })
    t.equal(broken.statusCode, 400)
    await until(() => used(knex) === 0)
  })
})

t.test('a statement in a hook after the handler', async (t) => {
  const codes: string[] = []
  const { hit, knex } = await start(t, database, (app) => {
    app.post('/preSerialization', {
      preSerialization: async (request, _reply, payload) => {
        await add(request, 'preSerialization')
        return payload
      },
      handler: async (request) => add(request, 'handler').then(() => ({})),
    })
    app.post('/onSend', {
      onSend: async (request, _reply, payload) => {
        await add(request, 'onSend')
        return payload
      },
      handler: async (request) => add(request, 'handler').then(() => ({})),
    })
    app.post('/onSend/first', {
      onSend: async (request) => add(request, 'onSend'),
      handler: async () => ({}),
    })
    app.post('/onSend/throws', {
      onSend: async (request) => {
        await add(request, 'onSend')
        throw refusal(418)
      },
      handler: async (request) => add(request, 'handler').then(() => ({})),
    })
    app.post('/onSend/changes', {
      onSend: async (_request, reply) => {
        reply.header('x-changed', '1').type('text/plain')
        return 'changed'
      },
      handler: async (request, reply) => {
        await add(request, 'handler')
        return reply.code(201).send({})
      },
    })
    app.post('/onSend/refuses', {
      onSend: async (_request, reply) => {
        reply.code(409)
      },
      handler: async (request) => add(request, 'handler').then(() => ({})),
    })
    app.post('/onResponse', {
      onResponse: async (request) => {
        await add(request, 'onResponse').catch((error) => codes.push(error.code))
      },
      handler: async (request) => add(request, 'handler').then(() => ({})),
    })
    app.post('/onError', {
      onError: async (request) => {
        await add(request, 'onError')
      },
      handler: async (request) => {
        await add(request, 'handler')
        throw refusal(400)
      },
    })
  })
  t.test('a statement in preSerialization or onSend commits with the response', async (t) => {
    t.same((await hit('POST', '/preSerialization')).seen, ['handler', 'preSerialization'])
    await database.other.query('truncate users cascade')
    t.same((await hit('POST', '/onSend')).seen, ['handler', 'onSend'])
    await database.other.query('truncate users cascade')
    t.same((await hit('POST', '/onSend/first')).seen, ['onSend'])
  })
  t.test('a statement in an onSend hook that throws rolls back', async (t) => {
    t.match(await hit('POST', '/onSend/throws'), { status: 418, seen: [] })
  })
  t.test('the status that onSend hooks have set decides between COMMIT and ROLLBACK', async (t) => {
    const response = await hit('POST', '/onSend/changes')
    t.match(response, { status: 201, body: 'changed', seen: ['handler'] })
    t.equal(response.headers.get('x-changed'), '1')
    await database.other.query('truncate users cascade')
    t.match(await hit('POST', '/onSend/refuses'), { status: 409, seen: [] })
  })
  t.test('a statement in onError rolls back', async (t) => {
    t.match(await hit('POST', '/onError'), { status: 400, seen: [] })
  })
  t.test('afterCommit() and rollbackOnly() are rejected once they can have no effect', async (t) => {
    const refusals: string[] = []
    const refuse = (use: () => void) => {
      try {
        use()
        refusals.push('none')
      } catch (error) {
        refusals.push((error as { code: string }).code)
      }
    }
    const { hit } = await start(t, database, (app) => {
      app.addHook('onResponse', async ({ db }) => {
        refuse(() => db.afterCommit(() => {}))
        refuse(() => db.rollbackOnly())
      })
      app.post('/', async ({ db }, reply) => {
        const over = await db.savepoint(async (savepoint) => {
          refuse(() => savepoint.afterCommit(() => {}))
          return savepoint
        })
        refuse(() => over.afterCommit(() => {}))
        refuse(() => over.rollbackOnly())
        await db('users').insert({ email: 'kept' })
        return reply.code(201).send({})
      })
    })
    t.match(await hit('POST', '/'), { status: 201, seen: ['kept'] })
    await until(() => refusals.length === 5)
    t.same(refusals, ['none', ...Array(4).fill('DB_SESSION_OVER')])
  })
  t.test('a statement in onResponse is rejected', async (t) => {
    t.same((await hit('POST', '/onResponse')).seen, ['handler'])
    await until(() => codes.length > 0)
    t.same(codes, ['DB_SESSION_OVER'])
  })
  t.equal(used(knex), 0)
})

t.test('an onSend hook that another plugin adds in onRoute runs in the order of registration', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const appended = (name: string) => {
    app.addHook('onRoute', (route) => {
      const fail = async (request: FastifyRequest) => {
        if (request.url === `/${name}`) throw refusal(500)
      }
      route.onSend = [route.onSend ?? [], fail].flat()
    })
  }
  appended('before')
  await app.register(dbSession, { knex: openKnex(database.url, 1), closePools: true })
  appended('after')
  for (const name of ['before', 'after'])
    app.post(`/${name}`, async (request) => add(request, name).then(() => 'fine'))
  for (const [name, seen] of [
    ['before', []],
    ['after', ['after']],
  ] as const) {
    t.equal((await app.inject({ method: 'POST', url: `/${name}` })).statusCode, 500)
    t.same(
      await database.see('select email from users'),
      seen,
      `registered ${name} db-session, it runs ${name} the COMMIT`,
    )
  }
})

t.test('an error handler', async (t) => {
  const codes: string[] = []
  const note = (error: { code: string }) => void codes.push(error.code)
  const { hit, knex } = await start(t, database, (app) => {
    const part = (path: string, handler: Handler) =>
      app.register(async (part) => {
        part.setErrorHandler<Error & { statusCode: number }>(handler)
        part.post(`${path}/thrown`, async (request) => {
          await add(request, 'handler')
          throw refusal(400)
        })
        part.post(`${path}/commit`, async (request) => {
          await request.db('users').insert({ email: 'handler', parent: 99 })
          return {}
        })
        part.post(`${path}/statement`, async (request) => {
          await add(request, 'handler')
          await add(request, 'handler')
        })
      })
    part('/queries', async (error: Error & { statusCode: number }, request, reply) => {
      await add(request, 'error handler').catch(note)
      return reply.code(error.statusCode).send({ handled: true })
    })
    part('/notes', async (error: Error & { statusCode: number }, _request, reply) => {
      await app.unitOfWork((db) => db('users').insert({ email: 'note' }))
      return reply.code(error.statusCode).send({ handled: true })
    })
    part('/throws', async () => {
      throw new Error('of the error handler')
    })
    part('/recovers', async (_error, _request, reply) => reply.code(200).send({ handled: true }))
    part('/recovers-late', async (_error, request, reply) => {
      await add(request, 'error handler').catch(note)
      return reply.code(200).send({ handled: true })
    })
  })
  t.beforeEach(() => void codes.splice(0))
  t.test('an error handler can use the session, which rolls back with its response', async (t) => {
    t.match(await hit('POST', '/queries/thrown'), { status: 400, json: { handled: true }, seen: [] })
    t.same(codes, [])
  })
  t.test('an error handler cannot use a session that has ended or failed', async (t) => {
    t.match(await hit('POST', '/queries/commit'), { status: 409, json: { handled: true }, seen: [] })
    t.match(await hit('POST', '/queries/statement'), { status: 409, json: { handled: true }, seen: [] })
    t.match(codes, [/^DB_SESSION_(OVER|ABORTED|CONSTRAINT)$/, 'DB_SESSION_CONSTRAINT'])
  })
  t.test('an error handler can commit a unit of work', async (t) => {
    for (const [path, status] of [
      ['/notes/thrown', 400],
      ['/notes/commit', 409],
      ['/notes/statement', 409],
    ] as const) {
      await database.other.query('truncate users cascade')
      t.match(await hit('POST', path), { status, seen: ['note'] }, path)
    }
  })
  t.test('an error handler may throw, and the session rolls back', async (t) => {
    for (const [path, status] of [
      ['/throws/thrown', 500],
      ['/throws/commit', 409],
      ['/throws/statement', 500],
    ] as const)
      t.match(await hit('POST', path), { status, seen: [] }, path)
  })
  t.test('an error handler that responds with 200 commits the statements of the handler', async (t) => {
    t.match(await hit('POST', '/recovers/thrown'), { status: 200, seen: ['handler'] })
    await database.other.query('truncate users cascade')
    t.match(await hit('POST', '/recovers-late/thrown'), { status: 200, seen: ['handler', 'error handler'] })
  })
  t.test('an error handler that responds with 200 cannot commit after a failed statement', async (t) => {
    t.match(await hit('POST', '/recovers/statement'), { status: 409, seen: [] })
    t.match(await hit('POST', '/recovers-late/statement'), { status: 409, seen: [] })
  })
  t.equal(used(knex), 0)
})

t.test(
  'a not-found handler decides between COMMIT and ROLLBACK, and has no session on an unknown path',
  async (t) => {
    const { hit, knex } = await start(t, database, async (app) => {
      app.setNotFoundHandler(async (request, reply) => {
        if (request.url.startsWith('/queries')) await add(request, 'not found')
        const status = request.url.startsWith('/page') ? 200 : 404
        return reply.code(status).send({ page: true })
      })
      for (const path of ['/queries', '/page', '/gone']) {
        app.post(path, async (request, reply) => {
          await add(request, 'handler')
          return reply.callNotFound()
        })
      }
    })
    t.match(await hit('POST', '/gone'), { status: 404, json: { page: true }, seen: [] }, 'a 404')
    t.match(await hit('POST', '/page'), { status: 200, json: { page: true }, seen: ['handler'] }, 'a 200')
    await database.other.query('truncate users cascade')
    t.match(await hit('POST', '/queries'), { seen: [] })
    t.match(await hit('POST', '/queries/none'), { status: 500, json: { code: 'DB_SESSION_NOT_COVERED' } })
    await until(() => used(knex) === 0)
  },
)

t.test('hooks and routes of encapsulated plugins share the session of the request', async (t) => {
  const { hit } = await start(t, database, async (app) => {
    await app.register(
      async (part) => {
        part.addHook('preHandler', async (request) => add(request, 'outer'))
        await part.register(async (inner) => {
          inner.addHook('preHandler', async (request) => add(request, 'inner'))
          inner.post('/deep', async (request) => add(request, 'handler').then(() => 'fine'))
          inner.post('/deep/no', async (request, reply) => {
            await add(request, 'handler')
            return reply.code(400).send()
          })
        })
      },
      { prefix: '/part' },
    )
  })
  t.same((await hit('POST', '/part/deep')).seen, ['outer', 'inner', 'handler'])
  await database.other.query('truncate users cascade')
  t.same((await hit('POST', '/part/deep/no')).seen, [])
})
