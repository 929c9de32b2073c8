import t from 'tap'
import { openDatabase } from '../../check/database.ts'
import { buildApp } from './app.ts'

const { knex } = await openDatabase(t, new URL('accounts.sql', import.meta.url))
const { app, addInterest } = await buildApp(knex)
t.teardown(() => app.close())
const transfer = async (from: number, to: number, amount: number) =>
  (await app.inject({ method: 'POST', url: '/transfers', body: { from, to, amount } })).statusCode
const balances = () => knex('accounts').orderBy('id').pluck('balance')

t.test('what is answered is stored', async (t) => {
  t.equal(await transfer(1, 2, 30), 201)
  t.same(await balances(), [70, 30])
})

t.test('what is refused leaves nothing behind', async (t) => {
  t.equal(await transfer(1, 99, 30), 409, 'the money had been taken already')
  t.equal(await transfer(1, 2, 1000), 409)
  t.equal(await transfer(1, 2, -1000), 400, 'nobody is taken from by being given less than nothing')
  t.same(await balances(), [70, 30])
})

t.test('reads, and works outside a request', async (t) => {
  await addInterest()
  t.same((await app.inject('/accounts')).json(), [
    { id: 1, balance: 71 },
    { id: 2, balance: 30 },
  ])
})
