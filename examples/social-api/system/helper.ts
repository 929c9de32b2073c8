import type { Test } from 'tap'
import { createMigratedDatabase } from '../../../test-support/database.ts'
import { run, SERVER } from '../../../test-support/process.ts'

/** Starts the built service in production, with metrics. */
export async function startService(t: Test, env: Record<string, string> = {}) {
  const databaseUrl = await createMigratedDatabase(t)
  const service = run(t, SERVER, {
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    JWT_SECRET: 'an own secret for this test, 32 bytes or more',
    METRICS_PORT: '0',
    LOG_LEVEL: 'info',
    ...env,
  })
  const metricsUrl = await service.waitForOutput(/Metrics: (http:[^"]+)/)
  const url = await service.waitForOutput(/Swagger UI: (http:[^"]+)\/docs/)
  const metric = async (name: string) => {
    const text = await (await fetch(metricsUrl)).text()
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
  }
  return { ...service, url, metric }
}

export const ANN = { username: 'ann@example.com', password: 'a good password' }

export async function signUp(url: string): Promise<void> {
  const body = JSON.stringify({ email: ANN.username, password: ANN.password })
  const response = await fetch(`${url}/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (response.status !== 201) throw new Error(`sign-up: ${response.status}`)
}

export async function logIn(url: string): Promise<Response> {
  return fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams(ANN) })
}

export async function readToken(response: Response): Promise<string> {
  return ((await response.json()) as { access_token: string }).access_token
}

/** Returns the quantile `part` of some times in milliseconds. */
export function quantile(times: number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}
