import { resolve } from 'node:path'
import t from 'tap'
import { readChapters } from '../src/chapters.ts'
import { checkAttempt } from '../src/check.ts'
import { keepSpare } from '../src/check-process.ts'
import { textOf } from '../src/print.ts'

const [adding] = await readChapters(resolve(import.meta.dirname, '../fixture/chapters'))
if (!adding) throw new Error('The fixture has no chapter')
const states = ({ checks }: Awaited<ReturnType<typeof checkAttempt>>) => checks.map(({ state }) => state)

t.jobs = 2

t.test('a right solution passes', async (t) => {
  const verdict = await checkAttempt(adding, { attempt: 'solution' })
  t.match(verdict, { passed: true, output: '' })
  t.same(states(verdict), ['passed', 'passed', 'passed'])
  t.match(textOf(adding, verdict, 1), 'Done: all checks pass.')
})

t.test('the first check that does not hold ends it, with as many hints as are wanted', async (t) => {
  const verdict = await checkAttempt(adding)
  t.equal(verdict.passed, false)
  t.same(states(verdict), ['passed', 'failed', 'not run'])
  t.match(verdict.checks[1], { mistake: 'minus', finding: 'It is another number.', expected: '3', came: '1' })
  for (const wanted of [0, 1, 2, 3]) {
    const text = textOf(adding, verdict, wanted)
    t.equal(text.match(/^Hint \d/gm)?.length ?? 0, wanted, `${wanted} hints`)
    t.equal(text.includes(`Another hint: --hints ${wanted + 1}`), wanted < 3)
  }
})

t.test('a syntax error is told with its file and line', async (t) => {
  const attempt = t.testdir({ 'add.ts': 'export const add =\n  (a: number => a\n' })
  const { passed, checks } = await checkAttempt(adding, { attempt })
  t.equal(passed, false)
  t.match(checks, [
    {
      sentence: 'the files can be run',
      mistake: 'not-loaded',
      finding: /Syntax error: .*add\.ts:2\)/,
      place: /add\.ts:2:14$/,
    },
  ])
})

t.test('who ends the process in the midst of the check does not pass', async (t) => {
  const verdict = await checkAttempt(adding, { attempt: 'exits' })
  t.equal(verdict.passed, false)
  t.match(textOf(adding, verdict, 1), /ended early[\s\S]*process\.exit/)
})

t.test('a check that takes too long is ended, and told', async (t) => {
  const verdict = await checkAttempt(adding, { attempt: 'solution', patienceMs: 100 })
  t.equal(verdict.passed, false)
  t.match(textOf(adding, verdict, 1), 'It did not come to an end in 0.1 s.')
})

t.test('what the attempt prints is no part of the verdict', async (t) => {
  const attempt = t.testdir({
    'add.ts': "console.log('not ok 1 - me')\nexport const add = (a: number, b: number) => a + b\n",
  })
  const verdict = await checkAttempt(adding, { attempt })
  t.match(verdict, { passed: true, output: 'not ok 1 - me\n' })
  t.match(textOf(adding, verdict, 1), /It printed:\n│ not ok 1 - me\n/)
})

t.test('says check by check what it looks at', async (t) => {
  const seen: (string | undefined)[] = []
  await checkAttempt(adding, { attempt: 'solution', onChange: ({ now }) => seen.push(now) })
  for (const sentence of ['nothing and nothing is nothing', 'two and one is three'])
    t.ok(seen.includes(sentence))
})

t.test('a check that is no longer wanted is ended, whatever it does', async (t) => {
  const attempt = t.testdir({ 'add.ts': 'while (true) {}\nexport {}\n' })
  const unwanted = new AbortController()
  await t.rejects(checkAttempt(adding, { attempt, signal: AbortSignal.abort() }), { name: 'AbortError' })
  const checking = checkAttempt(adding, { attempt, signal: unwanted.signal })
  unwanted.abort()
  await t.rejects(checking, { name: 'AbortError' })
})

t.test('a process that is ready does the same', async (t) => {
  const spare = keepSpare()
  t.teardown(() => spare.end())
  spare.prepare()
  const prepared = checkAttempt(adding, { start: spare.start })
  t.match(states(await prepared), ['passed', 'failed', 'not run'])
  t.match(
    await checkAttempt(adding, { attempt: 'solution', start: spare.start }),
    { passed: true },
    'and without one',
  )
})
