// The commands for operators: `npm run db:seed` and `npm run users:role`.
import { parseArgs } from 'node:util'
import type { Knex } from 'knex'
import { createKnex } from './platform/database.ts'
import { escapeControls } from './platform/logging.ts'
import { DEMO_PASSWORD, DEMO_USERS } from './src/demo/data.ts'
import { seed } from './src/demo/seed.ts'
import { User } from './src/users/model.ts'

const ROLES = ['user', 'admin'] as const

const USAGE = `Usage: npm run users:role -- <email> <${ROLES.join('|')}>

Gives a user a role. It applies from their next request on; they do not need a new token.
An admin may edit and delete any published post.`

try {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
  const [command, ...args] = positionals
  if (values.help) console.log(USAGE)
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
  const knex = createKnex(DATABASE_URL, 1)
  try {
    console.log(await work(knex))
  } finally {
    await knex.destroy()
  }
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
