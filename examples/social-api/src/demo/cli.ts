import { createKnex } from '../plugins/database.ts'
import { DEMO_PASSWORD, DEMO_USERS } from './data.ts'
import { seed } from './seed.ts'

const { DATABASE_URL: url, NODE_ENV } = process.env
if (url === undefined)
  throw new Error('DATABASE_URL is not set. `npm run db:seed` sets it to the embedded Postgres.')
if (NODE_ENV === 'production') {
  console.error(
    'Everybody knows the password of the demo users, one of them an admin: not where NODE_ENV is production.',
  )
  process.exit(1)
}

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
