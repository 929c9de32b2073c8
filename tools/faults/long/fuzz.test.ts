import t from 'tap'
import { fuzzProcess } from '../src/fuzz/process.ts'

t.test('ten thousand requests get responses that the document declares, and leak nothing', async (t) => {
  const { lines, isWell } = await fuzzProcess(t, { requests: 10_000, seed: 20_261_122 })
  t.comment(lines.join('\n'))
  t.ok(isWell)
})
