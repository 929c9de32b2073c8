import { parseArgs } from 'node:util'
import { createKnex } from '../plugins/database.ts'
import { ROLES, setRole } from './role.ts'

const USAGE = `Usage: npm run users:role -- <email> <${ROLES.join('|')}>

Gives a user a role. It counts from their next request on, with the token that they have.
An admin may edit and delete any published post.`

const { values, positionals } = parse()
const [email, role] = positionals
const wanted = ROLES.find((one) => one === role)
if (values.help) {
  console.log(USAGE)
} else if (email === undefined || wanted === undefined || positionals.length > 2) {
  fail(USAGE)
} else {
  await give(email, wanted)
}

function parse() {
  try {
    return parseArgs({ options: { help: { type: 'boolean', short: 'h' } }, allowPositionals: true })
  } catch {
    return { values: { help: false }, positionals: [] }
  }
}

async function give(email: string, role: (typeof ROLES)[number]): Promise<void> {
  const url = process.env.DATABASE_URL
  if (url === undefined)
    return fail('DATABASE_URL is not set. `npm run users:role` sets it to the embedded Postgres.')
  const knex = createKnex(url, 1)
  try {
    const user = await setRole(knex, email, role)
    if (user === undefined) return fail('Nobody has signed up with this e-mail. Nothing was changed.')
    console.log(`${user.email} has the role ${user.role} now.`)
  } catch (error) {
    fail(`The role could not be given: ${error instanceof Error ? error.message : error}`)
  } finally {
    await knex.destroy()
  }
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}
