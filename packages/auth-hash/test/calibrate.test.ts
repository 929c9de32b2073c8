import t from 'tap'
import { calibrate } from '../src/calibrate.ts'
import { costsOf } from './work.ts'

/** A clock on which each measurement takes so many milliseconds. */
function clock(...durations: number[]) {
  let readings = 0
  let ms = 1000
  return () => {
    if (readings % 2 === 1) ms += durations[(readings - 1) / 2] ?? 0
    readings += 1
    return ms
  }
}

t.test('takes the highest cost whose time is within the target', async (t) => {
  for (const [targetMs, cost] of [
    [60, 10],
    [119, 10],
    [120, 11],
    [250, 12],
    [480, 13],
    [1920, 15],
    [1_000_000, 15],
    [1, 10],
  ] as const) {
    t.equal(await calibrate({ targetMs, now: clock(60, 60, 60) }), cost, `${targetMs} ms`)
  }
})

t.test('counts the quickest of three runs at cost 10', async (t) => {
  const costs = await costsOf(async () => {
    t.equal(await calibrate({ targetMs: 250, now: clock(500, 60, 90) }), 12)
  })
  t.strictSame(costs, [10, 10, 10])
})

t.test('measures with the process’s own clock', async (t) => {
  const cost = await calibrate({ targetMs: 0.001 })
  t.equal(cost, 10, 'no machine is that quick')
  t.equal(await calibrate({ targetMs: 1e9 }), 15)
})

t.test('refuses a target that is none', async (t) => {
  for (const targetMs of [0, -1, Number.NaN, '250', undefined]) {
    // @ts-expect-error what plain JavaScript may pass
    await t.rejects(calibrate({ targetMs }), { code: 'AUTH_HASH_INVALID_OPTION' })
  }
})

t.test('an unknown option is an error', async (t) => {
  // @ts-expect-error the name is wrong
  await t.rejects(calibrate({ targetMs: 250, costs: [10] }), { message: 'Unknown option `costs`' })
  // @ts-expect-error as plain JavaScript may call it
  await t.rejects(calibrate(250), { code: 'AUTH_HASH_INVALID_OPTION' })
})
