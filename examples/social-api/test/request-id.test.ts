import t from 'tap'
import { callRaw, serve } from '../../../test-support/social-api.ts'
import { createLogger, createRequestId } from '../platform/logging.ts'

t.test('a proxy’s id is kept where nothing can be forged with it', async (t) => {
  for (const id of ['a', '0123456789abcdef0123456789abcdef', 'req-1_2.3', 'x'.repeat(64)]) {
    t.equal(createRequestId({ headers: { 'x-request-id': id } }), id)
  }
})

t.test('another is replaced by a new one, which nobody can foretell', async (t) => {
  const made = new Set<string>()
  const refused = [undefined, '', ' ', 'a b', 'a\nb', 'é', 'a,b', 'a, b', '<b>', '"', '{}', 'x'.repeat(65)]
  for (const id of refused) {
    const own = createRequestId({ headers: { 'x-request-id': id } })
    t.match(own, /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, JSON.stringify(id))
    made.add(own)
  }
  t.equal(made.size, refused.length)
})

t.test('the answer’s header, the problem’s instance and the log have the same id', async (t) => {
  const lines: { reqId?: string }[] = []
  const loggerInstance = createLogger({
    level: 'info',
    readable: false,
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  })
  const { url } = await serve(t, { loggerInstance })
  for (const path of ['/nothing', '/posts', '/posts/%zz', `/posts/${'9'.repeat(101)}`]) {
    const given = await callRaw(url, path, { headers: { 'x-request-id': 'proxy.7' } })
    t.equal(given.headers.get('x-request-id'), 'proxy.7', path)
    t.equal(given.body.instance, 'proxy.7')
    const made = await callRaw(url, path, { headers: { 'x-request-id': 'a b' } })
    t.match(made.headers.get('x-request-id'), /^req-/)
    t.equal(made.body.instance, made.headers.get('x-request-id'))
    t.ok(lines.some(({ reqId }) => reqId === made.body.instance))
  }
  t.ok(lines.some(({ reqId }) => reqId === 'proxy.7'))
  t.equal(
    (await callRaw(url, '/health', { headers: { 'x-request-id': 'ok' } })).headers.get('x-request-id'),
    'ok',
  )
})
