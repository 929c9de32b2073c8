import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createMigratedDatabase, openKnex } from '../../../test-support/database.ts'
import { ANN, signUp, startService } from '../system/helper.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

/** Logs in from an address of this machine, and returns the status. */
async function logIn(url: string, username: string, password: string, localAddress = '127.0.0.1') {
  const login = request(`${url}/login`, { method: 'POST', localAddress, agent: false })
  login.setHeader('content-type', 'application/x-www-form-urlencoded')
  login.end(new URLSearchParams({ username, password }).toString())
  const [response] = (await once(login, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

/** Sends a login and disconnects without waiting for the response. */
async function sendAndDisconnect(url: string, username: string, localAddress: string): Promise<void> {
  const body = new URLSearchParams({ username, password: 'wrong' }).toString()
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const head = `POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n`
  await new Promise<void>((resolve) => socket.write(head + body, () => resolve()))
  socket.destroy()
}

const countStatus = (statuses: (number | undefined)[], status: number) =>
  statuses.filter((one) => one === status).length

async function startTwo(t: Test, env: Record<string, string>) {
  const DATABASE_URL = await createMigratedDatabase(t)
  const first = await startService(t, { ...env, DATABASE_URL })
  const second = await startService(t, { ...env, DATABASE_URL })
  await signUp(first.url)
  return { urls: [first.url, second.url], databaseUrl: DATABASE_URL }
}

t.test('20,500 logins that disconnect do not reset the count of failed logins', async (t) => {
  const { url } = await startService(t, { BCRYPT_COST: '10', THROTTLE_REQUESTS_PER_MINUTE: '0' })
  await signUp(url)
  const tryWrongPasswords = async () => {
    const checked = []
    for (const address of ['127.0.5.1', '127.0.5.2', '127.0.5.3']) {
      const statuses = []
      for (const _ of numbers(14)) statuses.push(await logIn(url, ANN.username, 'wrong', address))
      checked.push(countStatus(statuses, 403))
    }
    return checked
  }
  t.same(await tryWrongPasswords(), [11, 10, 0], '21 passwords are checked')
  const start = performance.now()
  for (const batch of numbers(205)) {
    const decoys = numbers(100).map((index) =>
      sendAndDisconnect(url, `nobody${batch}-${index}@example.com`, `127.0.6.${1 + (index % 20)}`),
    )
    await Promise.all(decoys)
  }
  t.comment(`20,500 logins in ${((performance.now() - start) / 1000).toFixed()} s`)
  t.same(await tryWrongPasswords(), [0, 0, 0])
  t.equal(await logIn(url, 'nobody@example.com', 'wrong', '127.0.6.1'), 429, 'their own address is limited')
  t.equal(await logIn(url, 'nobody@example.com', 'wrong', '127.0.7.1'), 403, 'another address is not')
})

t.test('951 logins from one address in 20 s do not block logins from other addresses', async (t) => {
  const { url } = await startService(t)
  await signUp(url)
  let open = 0
  const flood = async () => {
    const logins = []
    for (const _ of numbers(951)) {
      while (open >= 125) await sleep(1)
      open++
      const login = logIn(url, ANN.username, ANN.password, '127.0.5.1')
      logins.push(login.finally(() => open--))
      await sleep(20)
    }
    return Promise.all(logins)
  }
  const strangers: (number | undefined)[] = []
  const isFlooding = flood()
  for (const index of numbers(16)) {
    await sleep(1_000)
    strangers.push(await logIn(url, ANN.username, ANN.password, `127.0.8.${index + 1}`))
  }
  const statuses = await isFlooding
  t.same(strangers, Array(16).fill(200))
  t.comment(
    `of the flood, ${countStatus(statuses, 200)} were served and ${countStatus(statuses, 503)} rejected`,
  )
})

t.test('10 to 13 of 100 simultaneous attempts at two processes are checked', async (t) => {
  const { urls } = await startTwo(t, {})
  const attempts = numbers(100).map((index) => logIn(urls[index % 2] as string, ANN.username, 'wrong'))
  const statuses = await Promise.all(attempts)
  const checked = countStatus(statuses, 403)
  t.ok(checked >= 10 && checked <= 13, `${checked} were checked`)
  t.equal(checked + countStatus(statuses, 429), 100)
})

t.test('40 simultaneous correct logins of one user succeed, at one process and at two', async (t) => {
  const { urls } = await startTwo(t, {})
  for (const url of [[urls[0]], urls]) {
    const logins = numbers(40).map((index) =>
      logIn(url[index % url.length] as string, ANN.username, ANN.password),
    )
    t.same(new Set(await Promise.all(logins)), new Set([200]))
  }
})

t.test('a test suite that truncates the tables between its tests passes twenty times in a row', async (t) => {
  const DATABASE_URL = await createMigratedDatabase(t)
  const { url } = await startService(t, { DATABASE_URL })
  const knex = openKnex(DATABASE_URL, 1)
  t.teardown(() => knex.destroy())
  for (const run of numbers(20)) {
    for (const _ of numbers(3)) {
      await knex.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
      await signUp(url)
      const passwords = ['wrong', 'wrong', ANN.password]
      const statuses = []
      for (const password of passwords) statuses.push(await logIn(url, ANN.username, password))
      t.same(statuses, [403, 403, 200], `run ${run}`)
    }
  }
})
