import { dbSession } from '@auth-primer/db-session'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { Knex } from 'knex'

// A negative amount would reverse the transfer.
const Transfer = Type.Object({
  from: Type.Integer(),
  to: Type.Integer(),
  amount: Type.Integer({ minimum: 1 }),
})

export async function buildApp(knex: Knex) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()

  // #region register
  await app.register(dbSession, { knex, acquireTimeoutMs: 2_000, statementTimeoutMs: 10_000 })
  // #endregion

  // #region write
  app.post('/transfers', { schema: { body: Transfer } }, async (request, reply) => {
    const { from, to, amount } = request.body
    const taken = await request
      .db('accounts')
      .where({ id: from })
      .andWhere('balance', '>=', amount)
      .decrement({ balance: amount })
    const given = await request.db('accounts').where({ id: to }).increment({ balance: amount })
    if (taken + given !== 2) return reply.code(409).send({ message: 'No such account, or not enough in it' })
    request.db.afterCommit(() => request.log.info({ from, to }, 'transferred'))
    return reply.code(201).send({ from, to, amount })
  })
  // #endregion

  // #region read
  app.get('/accounts', { config: { db: { mode: 'read' } } }, async (request) =>
    request.db('accounts').orderBy('id').limit(50),
  )
  // #endregion

  // #region unit-of-work
  const addInterest = () =>
    app.unitOfWork(async (db) => db('accounts').update({ balance: db.raw('round(balance * 1.01)') }))
  // #endregion

  return { app, addInterest }
}
