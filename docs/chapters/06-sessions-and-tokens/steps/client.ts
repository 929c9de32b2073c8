const url = `http://127.0.0.1:${process.env.PORT ?? 3000}`

// #region log-in
/** Logs in, and returns the headers that say who is asking: one with the cookie, and one with the token. */
export async function logIn() {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.com', password: 'tomatoes in june' }),
  })
  const [cookie = ''] = response.headers.getSetCookie()
  const { access_token } = (await response.json()) as { access_token: string }
  return {
    session: { cookie: cookie.replace(/;.*/, '') },
    token: { authorization: `Bearer ${access_token}` },
  }
}
// #endregion

/** Sends a request, and returns the body of the response. */
export async function send(method: 'GET' | 'POST', path: string, headers: Record<string, string>) {
  const response = await fetch(`${url}${path}`, { method, headers })
  return response.text()
}
