import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import type { AppConfig } from '../../../examples/social-api/src/app.ts'
import type { ServiceClient } from '../../../test-support/client.ts'
import { serve, type TestService } from '../../../test-support/social-api.ts'

export const KEY = 'a key of the tests, which is no secret'.replaceAll(' ', '-')

/** Returns the headers that X-ray's page sends with each request to the service at this URL. */
export function createPageHeaders(url: string): { cookie: string; origin: string } {
  return { cookie: `xray-${new URL(url).port}=${KEY}`, origin: url }
}

/** Starts the service with X-ray. `call` also sends the headers of X-ray's page. */
export async function serveXray(
  t: Test,
  options: Partial<AppConfig> = {},
  prepare?: (app: FastifyInstance) => void,
): Promise<TestService> {
  const service = await serve(t, { xrayKey: KEY, ...options }, prepare)
  const call: ServiceClient['call'] = (method, path, { headers, ...call } = {}) =>
    service.call(method, path, { ...call, headers: { ...createPageHeaders(service.url), ...headers } })
  return { ...service, call }
}
