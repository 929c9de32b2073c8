import { app, ask } from './ask.ts'

// #region four
const tomatoes = { title: 'Tomatoes', content: 'They grow.' }

await ask('POST', '/posts', tomatoes)
await ask('GET', '/posts/1')
await ask('PUT', '/posts/1', { ...tomatoes, published: false })
await ask('DELETE', '/posts/1')
await ask('GET', '/posts')
// #endregion
await app.close()
