import { logIn, send } from './client.ts'

// #region log-out
const { session, token } = await logIn()
await send('POST', '/logout', session)
console.log(await send('GET', '/session/me', session))
console.log(await send('GET', '/token/me', token))
// #endregion
