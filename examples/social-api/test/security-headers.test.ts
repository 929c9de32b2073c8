import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

const { call, signUp } = await serve(t)
const HTML = { accept: 'text/html' }

t.test('responses may load nothing, and may not be embedded, sniffed or cached', async (t) => {
  const { token } = await signUp('ann@example.com')
  const form = { username: 'ann@example.com', password: 'a good password' }
  for (const [status, response] of [
    [200, await call('POST', '/login', { form })],
    [200, await call('GET', '/users/me', { token })],
    [200, await call('GET', '/posts', { token })],
    [200, await call('GET', '/openapi.json')],
    [401, await call('GET', '/posts')],
    [404, await call('GET', '/nothing')],
    [405, await call('PATCH', '/posts')],
    [422, await call('GET', '/posts/0', { token })],
  ] as const) {
    t.equal(response.status, status)
    t.match(Object.fromEntries(response.headers), {
      'content-security-policy':
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      pragma: 'no-cache',
    })
  }
})

t.test('no page may run an inline script, and each works over plain HTTP', async (t) => {
  for (const path of [
    '/',
    '/docs',
    '/docs/',
    '/docs/static/swagger-ui.css',
    '/docs/json',
    '/nothing',
    '/xray',
  ]) {
    const { headers } = await call('GET', path, { headers: HTML })
    const policy = headers.get('content-security-policy') ?? ''
    t.match(policy, /^default-src 'none'/, path)
    t.notMatch(policy, /unsafe-(inline|eval)|upgrade-insecure-requests|\*|https?:/)
    t.equal(headers.get('strict-transport-security'), null)
  }
  for (const path of ['/', '/docs', '/nothing']) {
    const { body } = await call('GET', path, { headers: HTML })
    t.match(body, /<script src="\/header\.js"><\/script>/, path)
    t.notMatch(
      body,
      /<style|<script>|\sstyle=|\son\w+=|(src|href)="https?:/,
      `${path} has nothing inline, and nothing from elsewhere`,
    )
  }
})

t.test('behind TLS, browsers must keep using TLS', async (t) => {
  const { call } = await serve(t, { behindTls: true })
  const { headers } = await call('GET', '/health')
  t.equal(headers.get('strict-transport-security'), 'max-age=31536000')
  t.equal(headers.get('cross-origin-opener-policy'), 'same-origin')
  t.notMatch(headers.get('content-security-policy'), /upgrade-insecure-requests/)
})
