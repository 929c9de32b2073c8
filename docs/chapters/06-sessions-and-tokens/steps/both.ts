import { logIn, send } from './client.ts'

// #region both
const { session, token } = await logIn()
console.log(await send('GET', '/session/me', session))
console.log(await send('GET', '/token/me', token))
// #endregion
