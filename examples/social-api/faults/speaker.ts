import type { Call, TestService } from '../test/helper.ts'

/** A service that runs somewhere, as far as the tests speak to it. */
export type Speaker = Pick<TestService, 'url' | 'call' | 'signUp'>

export const PASSWORD = 'a good password'

export function speakTo(url: string): Speaker {
  const call = async (method: string, path: string, { token, json, form }: Call = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: form ? new URLSearchParams(form) : (JSON.stringify(json) ?? null),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) }
  }
  const signUp = async (email: string) => {
    const { body: user } = await call('POST', '/users', { json: { email, password: PASSWORD } })
    const { body: login } = await call('POST', '/login', { form: { username: email, password: PASSWORD } })
    return { id: user.id as number, token: login.access_token as string }
  }
  return { url, call, signUp }
}
