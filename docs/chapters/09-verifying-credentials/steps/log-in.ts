export const url = `http://127.0.0.1:${process.env.PORT ?? 3000}`

// #region log-in
/** Logs in as Swagger UI does, and returns the header for the next requests. */
export async function logIn() {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(':')}` },
    body: new URLSearchParams({
      grant_type: 'password',
      username: 'ada@example.com',
      password: 'tomatoes in june',
    }),
  })
  const { access_token } = (await response.json()) as { access_token: string }
  return { authorization: `Bearer ${access_token}` }
}
// #endregion
