/** A response of the service. The body is parsed if it is JSON, otherwise it is text. */
export interface ClientResponse {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: the tests check the bodies of responses
  body: any
}

export interface Call {
  token?: string
  json?: unknown
  form?: Record<string, string>
  text?: string | Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
}

/** A running service, as a client sees it. */
export interface ServiceClient {
  url: string
  call(method: string, path: string, call?: Call): Promise<ClientResponse>
  /** Signs up and logs in; returns the user's id and access token. */
  signUp(email: string): Promise<{ id: number; token: string }>
}

/** The password of every user that `signUp` creates. */
export const PASSWORD = 'a good password'

export function createClient(url: string): ServiceClient {
  const call = async (
    method: string,
    path: string,
    { token, json, form, text, headers }: Call = {},
  ): Promise<ClientResponse> => {
    const body = text ?? (json === undefined ? undefined : JSON.stringify(json))
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: form ? new URLSearchParams(form) : (body ?? null),
      redirect: 'manual',
    })
    return { status: response.status, headers: response.headers, body: parse(await response.text()) }
  }

  const signUp = async (email: string) => {
    const { body: user } = await call('POST', '/users', { json: { email, password: PASSWORD } })
    const { body: login } = await call('POST', '/login', { form: { username: email, password: PASSWORD } })
    return { id: user.id as number, token: login.access_token as string }
  }

  return { url, call, signUp }
}

/** Parses JSON; returns any other text as it is. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
