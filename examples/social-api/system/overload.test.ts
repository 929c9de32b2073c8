import t from 'tap'
import { logIn, quantile, signUp, startService, tokenOf } from './helper.ts'

t.test('log-ins beyond what can be hashed are turned away at once, and all else stays quick', async (t) => {
  // What the hasher turns away is counted here: the throttle of one account would be first, and turn away more.
  const { url, metric, output } = await startService(t, {
    BCRYPT_COST: '12',
    THROTTLE_FAILED_LOGINS_PER_ACCOUNT: '0',
    THROTTLE_FAILED_LOGINS_PER_ADDRESS: '0',
  })
  await signUp(url)
  const token = await tokenOf(await logIn(url))
  const timed = async (ask: () => Promise<Response>) => {
    const start = performance.now()
    const answer = await ask()
    await answer.arrayBuffer()
    return { status: answer.status, headers: answer.headers, ms: performance.now() - start }
  }

  const theClass = await Promise.all(Array.from({ length: 30 }, () => timed(() => logIn(url))))
  t.same(new Set(theClass.map(({ status }) => status)), new Set([200]), 'a class of 30 logs in')
  t.comment(
    `a class of 30, the last after ${quantile(
      theClass.map(({ ms }) => ms),
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
  const answers = await flood
  const served = answers.filter(({ status }) => status === 200)
  const refused = answers.filter(({ status }) => status === 503)
  t.equal(served.length + refused.length, 400)
  t.ok(served.length > 0, `${served.length} served, ${refused.length} refused`)
  for (const { headers } of refused) t.match(headers.get('retry-after'), /^[1-9][0-9]*$/)
  t.same(new Set(others.map(({ status }) => status)), new Set([200]))

  const [slowest, refusal, other] = [served, refused, others].map((list) => list.map(({ ms }) => ms))
  const figures = {
    slowest: quantile(slowest ?? [], 1),
    refusal: quantile(refusal ?? [], 0.5),
    // As the service's log has it: without the client's share, which opens 400 connections at once.
    inService: quantile(refusalTimes(output()), 0.5),
    other: quantile(other ?? [], 0.99),
  }
  t.comment(
    `slowest log-in ${figures.slowest.toFixed()} ms, median of refusals ${figures.refusal.toFixed()} ms (${figures.inService.toFixed(1)} ms in the service), p99 of ${others.length} other requests ${figures.other.toFixed()} ms`,
  )
  t.ok(figures.refusal < figures.slowest / 2, 'a refusal comes long before the queue is done')
  t.ok(figures.other < figures.slowest / 4, 'and so does any other answer')
  const turnedAway = await metric('auth_hash_overloaded_total')
  // The others, on a slow machine, waited until their time was over.
  t.ok(turnedAway > 200 && turnedAway <= refused.length, `${turnedAway} never waited`)
  t.ok(figures.inService < 100, 'who is refused is so before anything is looked up')
})

/** What the log says of how long each 503 took. */
function refusalTimes(log: string): number[] {
  const times = [...log.matchAll(/"statusCode":503\}.*?"responseTime":([\d.]+)/g)].map(([, ms]) => Number(ms))
  if (times.length === 0) throw new Error('no refusal in the log')
  return times
}
