import { dbSession } from '@auth-primer/db-session'
import Fastify from 'fastify'
import type { Knex } from 'knex'
import type { Generated } from 'kysely'
import { createKysely } from './kysely.ts'

interface Tables {
  users: { id: Generated<number>; email: string }
}

export async function buildApp(knex: Knex) {
  const app = Fastify()
  await app.register(dbSession, { knex })

  // #region routes
  app.post<{ Body: { email: string } }>('/users', async (request, reply) => {
    const db = createKysely<Tables>(request.db)
    const user = await db.insertInto('users').values(request.body).returningAll().executeTakeFirstOrThrow()
    return reply.code(201).send(user)
  })

  app.get('/users', { config: { db: { mode: 'read' } } }, async (request) =>
    createKysely<Tables>(request.db).selectFrom('users').select('email').orderBy('id').execute(),
  )

  app.delete('/users', async (request) => {
    const [{ numDeletedRows } = { numDeletedRows: 0n }] = await createKysely<Tables>(request.db)
      .deleteFrom('users')
      .execute()
    return { deleted: Number(numDeletedRows) }
  })
  // #endregion

  app.post('/transaction', async (request) =>
    createKysely<Tables>(request.db)
      .transaction()
      .execute(async (trx) => trx.selectFrom('users').selectAll().execute()),
  )
  return app
}
