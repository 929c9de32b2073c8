// #region build
import Fastify from 'fastify'
import { posts } from './posts.ts'
import { visitor } from './visitor.ts'

async function buildApp(titles: string[]) {
  const app = Fastify()
  app.get('/health', async () => ({ status: 'ok' }))
  await app.register(async (app) => {
    await app.register(visitor)
    await app.register(posts, { prefix: '/posts', titles })
  })
  return app
}
// #endregion

// #region test
const app = await buildApp(['Tomatoes'])
const headers = { 'x-user': 'ada' }

for (const request of [
  { url: '/health' },
  { url: '/posts' },
  { url: '/posts', headers },
  { url: '/posts', headers, method: 'POST', body: { title: 'Radishes' } },
] as const) {
  const response = await app.inject(request)
  console.log(response.statusCode, response.body)
}
// #endregion
