import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CourseTable } from '@auth-primer/migrations'
import { passSignalOn } from '@auth-primer/tool-processes'
import pg from 'pg'
import { CHECKOUT, type Chapter } from './chapters.ts'

/**
 * Runs a TypeScript file of a chapter in the foreground, and returns its exit code. If the chapter has tables,
 * `DATABASE_URL` is a new database with them, deleted afterwards, so each run starts from the same state. Arguments such
 * as `LOG_LEVEL=debug` set environment variables, because each shell has its own syntax for that.
 */
export async function runInForeground(
  chapter: Chapter,
  [file = '', ...rest]: readonly string[],
  postgresUrl: string | undefined,
): Promise<number> {
  const path = resolve(chapter.folder, file)
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new Error(`There is no file ${file} in ${chapter.folder}`)
  const { number, tables } = chapter
  const { args, env } = separateSettings(rest)
  const database = postgresUrl && tables ? await createDatabase(postgresUrl, number, tables) : undefined
  try {
    return await runFile(path, args, chapter, { ...(database && { DATABASE_URL: database.url }), ...env })
  } finally {
    await database?.drop()
  }
}

/** Separates the settings from the other arguments. */
function separateSettings(all: readonly string[]) {
  const args: string[] = []
  const env: Record<string, string> = {}
  for (const argument of all) {
    const [, name, value = ''] = /^([A-Z][A-Z\d_]*)=(.*)$/s.exec(argument) ?? []
    if (name === undefined) args.push(argument)
    else env[name] = value
  }
  return { args, env }
}

async function runFile(path: string, args: readonly string[], chapter: Chapter, env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), path, ...args], {
    cwd: chapter.folder,
    env: { ...process.env, TSX_TSCONFIG_PATH: resolve(CHECKOUT, 'tsconfig.dev.json'), ...env },
    stdio: 'inherit',
  })
  // This process waits for the child, to delete its database.
  const passOn = (signal: NodeJS.Signals) => passSignalOn(child, signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, passOn)
  const [code] = await once(child, 'close')
  return code ?? 1
}

async function createDatabase(postgresUrl: string, number: string, tables: CourseTable) {
  const name = `chapter_${number}_${randomBytes(4).toString('hex')}`
  const url = new URL(postgresUrl)
  url.pathname = `/${name}`
  await query(postgresUrl, `create database ${name}`)
  await migrate(url.href, tables)
  return { url: url.href, drop: () => query(postgresUrl, `drop database if exists ${name} with (force)`) }
}

async function migrate(connection: string, tables: CourseTable): Promise<void> {
  // Loaded here because most commands need neither.
  const [{ createTables }, { default: knexModule }] = await Promise.all([
    import('@auth-primer/migrations'),
    import('knex'),
  ])
  const knex = knexModule({ client: 'pg', connection })
  await createTables(knex, tables).finally(() => knex.destroy())
}

async function query(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  await client.query(sql).finally(() => client.end())
}
