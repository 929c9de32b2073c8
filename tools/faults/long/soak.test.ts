import { resolve } from 'node:path'
import t from 'tap'
import { isFlat, measureGrowth } from '../src/leak-check.ts'
import { judgeUsage } from '../src/resource-usage.ts'
import { soak } from '../src/soak/soak.ts'

t.test('under mixed load, every response is as expected, and resource usage is flat', async (t) => {
  const { journal, samples } = await soak(t, { minutes: 0.4, clients: 16, seed: 20_261_122 })
  const usage = judgeUsage(samples)
  t.comment([...journal.formatTable(), ...usage.lines].join('\n'))
  t.same(journal.errors, [])
  t.ok(journal.disconnects > 0)
  t.ok(usage.isFlat)
})

t.test('a service that leaks memory is reported as not flat', async (t) => {
  const imports = [resolve(import.meta.dirname, 'leak.js')]
  const { samples } = await soak(t, { minutes: 0.1, clients: 16, seed: 1, imports })
  const usage = judgeUsage(samples)
  t.notOk(usage.isFlat)
  t.match(
    usage.lines.filter((line) => line.endsWith('NOT FLAT')),
    [/^heapUsed/],
  )
})

t.test('isFlat() compares the second quarter with the last', async (t) => {
  const nothing = { part: 0, plus: 0 }
  t.same(
    measureGrowth([9, 9, 1, 2, 5, 5, 7, 8]),
    { from: 2, to: 8 },
    'the medians of the second quarter and the last',
  )
  t.ok(isFlat([0, 0, 5, 5, 9, 9, 5, 5], nothing), 'a warm-up and a peak are flat')
  t.notOk(isFlat([1, 2, 3, 4, 5, 6, 7, 8], nothing))
  t.ok(isFlat([100, 100, 100, 100, 100, 100, 115, 115], { part: 0.1, plus: 5 }))
  t.notOk(isFlat([100, 100, 100, 100, 100, 100, 116, 116], { part: 0.1, plus: 5 }))
  t.notOk(judgeUsage([{ somethingElse: 1 }]).isFlat, 'a measure without a limit')
})
