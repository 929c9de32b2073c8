import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance } from 'fastify'

/** The app under test, on the database of DATABASE_URL: `app.ts`, or the one that APP names. */
export async function openApp(): Promise<FastifyInstance> {
  const { APP = 'app.ts', DATABASE_URL = '' } = process.env
  const { build } = await import(pathToFileURL(resolve(import.meta.dirname, APP)).href)
  return build(DATABASE_URL)
}
