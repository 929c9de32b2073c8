import { app, ask } from './ask.ts'

// #region whose
await ask('Ada', 'POST', '/posts', { title: 'Tomatoes', content: 'They grow.', owner_id: 2 })
await ask('Bob', 'GET', '/posts/1')
await ask('Bob', 'PUT', '/posts/1', { title: 'Mine', content: 'All of it.' })
await ask('Ada', 'PUT', '/posts/1', { title: 'Tomatoes', content: 'They grow well.' })
// #endregion
await app.close()
