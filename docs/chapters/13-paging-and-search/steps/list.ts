import { logIn, url } from '../../09-verifying-credentials/steps/log-in.ts'

// #region list
const headers = await logIn()
const list = async (query: Record<string, string>) => {
  const response = await fetch(`${url}/posts?${new URLSearchParams(query)}`, { headers })
  console.log(await response.text())
}

await list({ limit: '2', skip: '4' })
await list({ limit: '3', search: '0%' })
await list({ limit: '101' })
await list({ limit: '1e1' })
// #endregion
