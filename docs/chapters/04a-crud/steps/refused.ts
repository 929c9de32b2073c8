import { app, ask } from './ask.ts'

// #region refused
await ask('GET', '/posts/7')
await ask('GET', '/posts/seven')
await ask('GET', '/posts/99999999999')
await ask('POST', '/posts', { content: 'No title' })
await ask('PUT', '/posts', { title: 'No id', content: '' })
// #endregion
await app.close()
