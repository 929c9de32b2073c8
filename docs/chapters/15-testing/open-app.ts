import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance } from 'fastify'

/** Opens the app under test, `app.ts` or the one in APP, with the database in DATABASE_URL. */
export async function openApp(): Promise<FastifyInstance> {
  const { APP = 'app.ts', DATABASE_URL = '' } = process.env
  const { build } = await import(pathToFileURL(resolve(import.meta.dirname, APP)).href)
  return build(DATABASE_URL)
}
