import { app, ask } from './ask.ts'

// #region draft
await ask('Ada', 'POST', '/posts', { title: 'Radishes', content: 'Not yet.', published: false })
await ask('Ada', 'GET', '/posts/1')
await ask('Bob', 'GET', '/posts/1')
await ask('Bob', 'PUT', '/posts/1', { title: 'Mine', content: 'All of it.' })
await ask('Bob', 'GET', '/posts/2')
// #endregion
await app.close()
