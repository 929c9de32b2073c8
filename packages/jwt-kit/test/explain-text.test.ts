import t from 'tap'
import { algorithmInWords, durationInWords, timeInWords } from '../src/explain-text.ts'

t.test('says a length in the largest unit that it fills', async (t) => {
  for (const [length, words] of [
    [0, '0 seconds'],
    [0.9, '0 seconds'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, '1 minute'],
    [3599, '59 minutes'],
    [7200, '2 hours'],
    [86_400, '1 day'],
    [-90_000, '1 day'],
  ] as const) {
    t.equal(durationInWords(length), words)
  }
})

t.test('says a time as a moment and a distance, and nothing of what is none', async (t) => {
  t.equal(timeInWords(0, 60), '1970-01-01 00:00:00 UTC, 1 minute ago')
  t.equal(timeInWords(60, 0), '1970-01-01 00:01:00 UTC, in 1 minute')
  t.equal(timeInWords(0.5, 0), '1970-01-01 00:00:00.500 UTC, now')
  for (const value of ['0', null, undefined, Number.NaN, 1e300, Number.POSITIVE_INFINITY])
    t.equal(timeInWords(value, 0), undefined)
})

t.test('knows the algorithms, and not what is none', async (t) => {
  t.match(algorithmInWords('none'), /never to be accepted/)
  for (const alg of ['HS999', undefined, 'constructor', {}]) t.equal(algorithmInWords(alg), undefined)
})
