import { app } from './ask.ts'

// #region origins
for (const origin of ['https://app.example.com', 'https://evil.example.com']) {
  const { statusCode, headers } = await app.inject({ url: '/posts', headers: { origin } })
  console.log(origin, statusCode, headers['access-control-allow-origin'])
}
// #endregion
await app.close()
