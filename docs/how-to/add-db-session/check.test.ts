import t from 'tap'
import { openDatabase } from '../../check/database.ts'
import { buildApp } from './app.ts'

const { knex } = await openDatabase(t, new URL('accounts.sql', import.meta.url))
const { app, addInterest } = await buildApp(knex)
t.teardown(() => app.close())
const transfer = async (from: number, to: number, amount: number) =>
  (await app.inject({ method: 'POST', url: '/transfers', body: { from, to, amount } })).statusCode
const balances = () => knex('accounts').orderBy('id').pluck('balance')

t.test('a transfer that responds with a 201 is committed', async (t) => {
  t.equal(await transfer(1, 2, 30), 201)
  t.same(await balances(), [70, 30])
})

t.test('a transfer that is rejected changes no balance', async (t) => {
  t.equal(await transfer(1, 99, 30), 409, 'the debit was rolled back')
  t.equal(await transfer(1, 2, 1000), 409)
  t.equal(await transfer(1, 2, -1000), 400, 'a negative amount is rejected')
  t.same(await balances(), [70, 30])
})

t.test('a unit of work changes what a read route lists', async (t) => {
  await addInterest()
  t.same((await app.inject('/accounts')).json(), [
    { id: 1, balance: 71 },
    { id: 2, balance: 30 },
  ])
})
