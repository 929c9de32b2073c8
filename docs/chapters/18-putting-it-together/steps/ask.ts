import { randomBytes } from 'node:crypto'
import { buildService } from '../solution/service.ts'

export const app = await buildService({
  ...process.env,
  JWT_SECRET: randomBytes(32).toString('base64url'),
  CORS_ORIGINS: 'https://app.example.com',
})

interface Message {
  readonly headers?: Record<string, string>
  readonly body?: object | string
}

/** Sends a request, prints the response, and returns its body. */
export async function ask(
  method: 'GET' | 'POST' | 'OPTIONS',
  url: string,
  { headers = {}, body }: Message = {},
) {
  const response = await app.inject({ method, url, headers, ...(body && { body }) })
  const { statusCode, body: text } = response
  console.log(method, url, statusCode, text.replace(/("access_token":"\w{6})[^"]*/, '$1…'))
  return response
}
