import t from 'tap'
import { logIn, quantile, readToken, signUp, startService } from './helper.ts'

t.test('logins over the hashing capacity are an immediate 503, and other requests stay fast', async (t) => {
  // The limits on failed logins are off, so that only the hashing queue rejects logins.
  const { url, metric, output } = await startService(t, {
    BCRYPT_COST: '12',
    THROTTLE_FAILED_LOGINS_PER_ACCOUNT: '0',
    THROTTLE_FAILED_LOGINS_PER_ADDRESS: '0',
  })
  await signUp(url)
  const token = await readToken(await logIn(url))
  const timed = async (ask: () => Promise<Response>) => {
    const start = performance.now()
    const response = await ask()
    await response.arrayBuffer()
    return { status: response.status, headers: response.headers, ms: performance.now() - start }
  }

  const classmates = await Promise.all(Array.from({ length: 30 }, () => timed(() => logIn(url))))
  t.same(new Set(classmates.map(({ status }) => status)), new Set([200]), 'a class of 30 logs in')
  t.comment(
    `a class of 30, the last after ${quantile(
      classmates.map(({ ms }) => ms),
      1,
    ).toFixed()} ms`,
  )

  let isOver = false
  const flood = Promise.all(Array.from({ length: 400 }, () => timed(() => logIn(url)))).finally(() => {
    isOver = true
  })
  const others: { status: number; ms: number }[] = []
  while (!isOver && others.length < 400) {
    others.push(await timed(() => fetch(`${url}/posts`, { headers: { authorization: `Bearer ${token}` } })))
    others.push(await timed(() => fetch(`${url}/health`)))
  }
  const responses = await flood
  const served = responses.filter(({ status }) => status === 200)
  const rejected = responses.filter(({ status }) => status === 503)
  t.equal(served.length + rejected.length, 400)
  t.ok(served.length > 0, `${served.length} served, ${rejected.length} rejected`)
  for (const { headers } of rejected) t.match(headers.get('retry-after'), /^[1-9][0-9]*$/)
  t.same(new Set(others.map(({ status }) => status)), new Set([200]))

  const [slowest, rejection, other] = [served, rejected, others].map((list) => list.map(({ ms }) => ms))
  const figures = {
    slowest: quantile(slowest ?? [], 1),
    rejection: quantile(rejection ?? [], 0.5),
    // From the service's log, so without the time in which the client opens 400 connections.
    inService: quantile(rejectionTimes(output()), 0.5),
    other: quantile(other ?? [], 0.99),
  }
  t.comment(
    `slowest login ${figures.slowest.toFixed()} ms, median of rejections ${figures.rejection.toFixed()} ms (${figures.inService.toFixed(1)} ms in the service), p99 of ${others.length} other requests ${figures.other.toFixed()} ms`,
  )
  t.ok(figures.rejection < figures.slowest / 2, 'a rejection is much faster than the slowest login')
  t.ok(figures.other < figures.slowest / 4, 'other responses are much faster too')
  const overloaded = await metric('auth_hash_overloaded_total')
  // On a slow machine, the others waited until their deadline.
  t.ok(overloaded > 200 && overloaded <= rejected.length, `${overloaded} were rejected immediately`)
  t.ok(figures.inService < figures.slowest / 20, 'a login is rejected before anything is looked up')
})

/** Returns the response time of each 503 in the log. */
function rejectionTimes(log: string): number[] {
  const times = [...log.matchAll(/"statusCode":503\}.*?"responseTime":([\d.]+)/g)].map(([, ms]) => Number(ms))
  if (times.length === 0) throw new Error('the log has no 503')
  return times
}
