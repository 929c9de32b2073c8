import { setTimeout as sleep } from 'node:timers/promises'
import type {} from '@fastify/under-pressure'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

t.test('under pressure, what is asked is a quick 503, and /health answers', async (t) => {
  const { app, call } = await serve(t, { pressure: { sampleInterval: 10, maxRssBytes: 1 } })
  while (!app.isUnderPressure()) await sleep(10)
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/ready'],
    ['POST', '/login'],
    ['GET', '/posts'],
  ] as const) {
    const answer = await call(method, path)
    t.match(answer, { status: 503, body: { code: 'OVERLOADED', instance: /^req-/ } }, path)
    t.match(answer.headers.get('content-type'), /^application\/problem\+json/)
    t.equal(answer.headers.get('retry-after'), '2')
  }
  t.equal((await call('GET', '/health')).status, 200)
})

t.test('the memory of this machine is enough', async (t) => {
  const { app, call } = await serve(t, { pressure: { sampleInterval: 100, maxEventLoopDelay: 0 } })
  while (app.memoryUsage().rssBytes === 0) await sleep(50)
  t.equal(app.isUnderPressure(), false)
  t.equal((await call('GET', '/')).status, 200)
})
