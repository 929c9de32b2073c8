import { createKnex } from '../plugins/database.ts'
import { DEMO_PASSWORD, DEMO_USERS } from './data.ts'
import { seed } from './seed.ts'

const url = process.env.DATABASE_URL
if (url === undefined)
  throw new Error('DATABASE_URL is not set. `npm run db:seed` sets it to the embedded Postgres.')

const knex = createKnex(url, 1)
try {
  const isNew = await seed(knex)
  console.log(
    isNew
      ? `The demo data is in. Log in as ${DEMO_USERS[0]?.email} with the password "${DEMO_PASSWORD}".`
      : 'The demo users are there already; nothing was changed.',
  )
} catch (error) {
  console.error(`The demo data could not be put in: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  await knex.destroy()
}
