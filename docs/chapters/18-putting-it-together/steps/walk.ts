import { app, ask } from './ask.ts'

// #region walk
const body = { email: 'ada@example.com', password: 'tomatoes in june' }
await ask('POST', '/users', { body })

const form = new URLSearchParams({ username: body.email, password: body.password })
const formType = { 'content-type': 'application/x-www-form-urlencoded' }
const { access_token } = (await ask('POST', '/login', { headers: formType, body: `${form}` })).json()

const headers = { authorization: `Bearer ${access_token}` }
await ask('POST', '/posts', { headers, body: { title: 'Tomatoes', content: 'They grow.' } })
await ask('POST', '/vote', { headers, body: { post_id: 1 } })
await ask('GET', '/posts?search=Tom', { headers })
// #endregion
await app.close()
