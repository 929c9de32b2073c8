// The commands for operators: `npm run db:seed`, `npm run db:reset` and `npm run users:role`.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepareDatabase } from '@auth-primer/migrations'
import { attachPostgres, defaultDataDir, resetPostgres } from '@auth-primer/tool-postgres'
import { escapeControls } from '@auth-primer/tool-terminal'
import type { Knex } from 'knex'
import { createKnex } from './platform/database.ts'
import { DEMO_PASSWORD, DEMO_USERS } from './src/demo/data.ts'
import { reset as resetDemoData } from './src/demo/reset.ts'
import { seed } from './src/demo/seed.ts'
import { User } from './src/users/model.ts'

const ROLES = ['user', 'admin'] as const

const USAGE = `Usage: npm run users:role -- <email> <${ROLES.join('|')}>

Gives a user a role. It applies from their next request on; they do not need a new token.
An admin may edit and delete any published post.`

const RESET_USAGE = `Usage: npm run db:reset [-- --force]

Deletes the embedded Postgres's data, and creates it again: the tables and the demo data. All tokens become invalid.

While processes use the embedded Postgres, such as a running service, this is rejected. With --force, Postgres and the
processes keep running: pending migrations are run, all users, posts and votes are deleted, and the demo data is stored.`

try {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, force: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [command, ...args] = positionals
  if (values.help) console.log(command === 'reset' ? RESET_USAGE : USAGE)
  else if (command === 'reset' && args.length === 0) await reset(values.force)
  else if (command === 'seed') await withDatabase(seedDemoData)
  else if (command === 'role') await withDatabase((knex) => setRole(knex, args))
  else throw new Error(USAGE)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function withDatabase(work: (knex: Knex) => Promise<string>): Promise<void> {
  const { DATABASE_URL } = process.env
  if (DATABASE_URL === undefined)
    throw new Error(
      'DATABASE_URL is not set. `npm run db:seed` and `npm run users:role` set it to the embedded Postgres.',
    )
  console.log(await withKnex(DATABASE_URL, work))
}

async function withKnex(url: string, work: (knex: Knex) => Promise<string>): Promise<string> {
  const knex = createKnex(url, 1)
  try {
    return await work(knex)
  } finally {
    await knex.destroy()
  }
}

async function reset(force: boolean): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile()
  if (process.env.DATABASE_URL)
    throw new Error(
      'DATABASE_URL is set, but reset deletes only the embedded Postgres. Unset DATABASE_URL first.',
    )
  const dir = defaultDataDir()
  const { outcome, attached } = await resetPostgres({ dir })
  const isInUse = outcome === 'in use'
  if (isInUse && !force)
    throw new Error(
      `The embedded Postgres is in use (processes: ${attached}). Stop the service, or keep it running and use \`npm run db:reset -- --force\`, which deletes all users, posts and votes and stores the demo data.`,
    )
  // A token must not become valid for a new user who has the id of a deleted one.
  if (!isInUse) await rm(join(dir, 'jwt-secret'), { force: true })
  const postgres = await attachPostgres({ dir, log: console.log })
  try {
    await prepareDatabase(postgres.url, { mayMigrate: true, log: console.log, seed })
    if (isInUse) console.log(await withKnex(postgres.url, emptyAndSeed))
  } finally {
    await postgres.leave()
  }
}

async function emptyAndSeed(knex: Knex): Promise<string> {
  await resetDemoData(knex)
  return 'Only the demo data is in the database now. The service keeps running.'
}

async function seedDemoData(knex: Knex): Promise<string> {
  if (process.env.NODE_ENV === 'production')
    throw new Error(
      'The demo data is not for production: the password of its users is public, and one of them is an admin.',
    )
  const isNew = await seed(knex)
  return isNew
    ? `The demo data is stored. Log in as ${DEMO_USERS[0]?.email} with the password "${DEMO_PASSWORD}".`
    : 'The demo users exist already; nothing was changed.'
}

async function setRole(knex: Knex, [email, name, ...rest]: string[]): Promise<string> {
  const role = ROLES.find((one) => one === name)
  if (email === undefined || role === undefined || rest.length > 0) throw new Error(USAGE)
  const user = await User.findByEmail(knex, email)
  if (user === undefined) throw new Error('No user has this email. Nothing was changed.')
  await user.$query(knex).patch({ role })
  return escapeControls(`${user.email} now has the role ${role}.`)
}
