import { logIn, url } from './log-in.ts'

// #region me
const response = await fetch(`${url}/users/me`, { headers: await logIn() })
console.log(await response.text())
// #endregion
