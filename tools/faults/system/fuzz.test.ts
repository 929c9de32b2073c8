import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { curl } from '../src/fuzz/curl.ts'
import { fuzz } from '../src/fuzz/fuzz.ts'
import { LIVE } from '../src/fuzz/requests.ts'

t.test('a thousand requests get responses that the document declares', async (t) => {
  const counts = await fuzz(await serve(t), { requests: 1_000, seed: 20_261_122 })
  for (const [operation, count] of counts) {
    t.ok(count['2xx'] > 0 && count['4xx'] > 0, operation)
  }
})

t.test('a failure and a request that hangs are found, with a command that repeats them', async (t) => {
  const { url, call, signUp } = await serve(t, {}, (app) => {
    app.addHook('onRequest', async (request) => {
      if (request.headers['x-forwarded-for'] === undefined) return
      if (request.routeOptions.url === '/health') throw new TypeError('a bug')
      if (request.routeOptions.url === '/ready') await sleep(2_000)
    })
  })
  const only = (path: string) => ({
    url,
    signUp,
    async call(...request: Parameters<typeof call>) {
      const response = await call(...request)
      if (request[1] === '/openapi.json') response.body.paths = { [path]: response.body.paths[path] }
      return response
    },
  })
  await t.rejects(fuzz(only('/health'), { requests: 200, seed: 1 }), {
    message:
      /GET \/health: nothing that is sent makes the service fail\n.*curl .*x-forwarded-for(.|\n)*"code":"INTERNAL"/,
  })
  await t.rejects(fuzz(only('/ready'), { requests: 200, seed: 1, timeoutMs: 1_000 }), {
    message: /GET \/ready: no response: late\n.*curl .*x-forwarded-for/,
  })
})

t.test('the command that repeats a request has no token and no password', async (t) => {
  const value = { username: 'ann@example.com', password: 'a good password' }
  const generated = {
    path: {},
    query: [],
    headers: {},
    token: 'good',
    body: { type: 'application/json', value: { username: LIVE, password: LIVE } },
    mutations: [],
  } as const
  const headers = { authorization: 'Bearer aaa.bbb.ccc', 'x-a': "it's" }
  for (const body of [JSON.stringify(value), new URLSearchParams(value).toString()]) {
    const line = curl('http://h', { method: 'POST', path: '/login', headers, body }, generated)
    t.match(line, /^curl .*-X POST 'http:\/\/h\/login' -H "authorization: Bearer \$TOKEN" -H 'x-a: it'\\''s'/)
    t.match(line, /ann(@|%40)example.com.*<password>/)
    t.notMatch(line, /aaa|good/)
  }
})
