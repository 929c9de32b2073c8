import { app, ask } from './ask.ts'

// #region twice
const radishes = { title: 'Radishes', content: 'Red.' }

await ask('POST', '/posts', radishes)
await ask('POST', '/posts', radishes)
await ask('PUT', '/posts/1', { ...radishes, title: 'Black radishes' })
await ask('PUT', '/posts/1', { ...radishes, title: 'Black radishes' })
await ask('DELETE', '/posts/2')
await ask('DELETE', '/posts/2')
await ask('GET', '/posts')
// #endregion
await app.close()
