import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import { readChapters } from '../src/chapters.ts'
import { checkAttempt } from '../src/check-attempt.ts'
import { keepSpareProcess } from '../src/check-process.ts'
import { formatVerdict } from '../src/print.ts'

const [adding] = await readChapters(resolve(import.meta.dirname, '../fixture/chapters'))
if (!adding) throw new Error('The fixture has no chapter')
const readStates = ({ checks }: Awaited<ReturnType<typeof checkAttempt>>) => checks.map(({ state }) => state)

/** Checks an answer with this text in `add.ts`. */
const checkText = (t: Test, text: string) => checkAttempt(adding, { attempt: t.testdir({ 'add.ts': text }) })
const RIGHT = 'export const add = (a: number, b: number) => a + b\n'

t.jobs = 2

t.test('a right solution passes', async (t) => {
  const verdict = await checkAttempt(adding, { attempt: 'solution' })
  t.match(verdict, { passed: true, output: '' })
  t.same(readStates(verdict), ['passed', 'passed', 'passed'])
  t.match(formatVerdict(adding, verdict, 1), 'Done: all checks pass.')
})

t.test('the first failed check ends the run, and shows as many hints as requested', async (t) => {
  const verdict = await checkAttempt(adding)
  t.equal(verdict.passed, false)
  t.same(readStates(verdict), ['passed', 'failed', 'not run'])
  t.match(verdict.checks[1], { mistake: 'minus', finding: 'It is another number.', expected: '3', came: '1' })
  for (const count of [0, 1, 2, 3]) {
    const text = formatVerdict(adding, verdict, count)
    t.equal(text.match(/^Hint \d/gm)?.length ?? 0, count, `${count} hints`)
    t.equal(text.includes(`Another hint: --hints ${count + 1}`), count < 3)
  }
})

t.test(
  'a file that cannot be imported is reported with its line, its missing export or its name',
  async (t) => {
    const syntax = await checkText(t, 'export const add =\n  (a: number => a\n')
    t.match(syntax.checks, [
      {
        sentence: /add\.ts can be imported$/,
        state: 'failed',
        mistake: 'not-loaded',
        finding: /Syntax error: .*add\.ts:2\)/,
        place: /add\.ts:2:14$/,
      },
    ])
    const misnamed = await checkText(t, 'export const plus = (a: number, b: number) => a + b\n')
    t.match(misnamed.checks, [
      { mistake: 'missing-export', finding: /add\.ts must export `add`\. It exports plus\.$/ },
    ])
    t.equal(misnamed.checks.length, 1)
    const missing = await checkAttempt(adding, { attempt: t.testdir({}) })
    t.match(missing.checks, [{ mistake: 'not-loaded', finding: /add\.ts does not exist\.$/ }])
  },
)

t.test('an attempt that ends the process fails, and the check during which it ended is named', async (t) => {
  const verdict = await checkAttempt(adding, { attempt: 'exits' })
  t.equal(verdict.passed, false)
  t.match(verdict.checks.at(-1), { sentence: 'two and one is three', mistake: 'ended-early' })
  t.match(formatVerdict(adding, verdict, 1), /ended early[\s\S]*process\.exit/)
  const withCode = await checkText(t, `process.exitCode = 3\n${RIGHT}`)
  t.match(withCode, { passed: true }, 'an exit code alone ends nothing')
})

t.test(
  'an error that the attempt throws outside of its functions fails the check, without a stack of the tools',
  async (t) => {
    const late = await checkText(t, `${RIGHT}setImmediate(() => { throw new Error('late') })\n`)
    const rejected = await checkText(t, `${RIGHT}Promise.reject(new Error('late'))\n`)
    for (const verdict of [late, rejected]) {
      const failed = verdict.checks.find(({ state }) => state === 'failed')
      t.match(failed, { finding: /^Error: late \(.*add\.ts:2\)$/, place: /add\.ts:2:/ })
      t.notMatch(formatVerdict(adding, verdict, 3), /\n\s+at |Unhandled|uncaught/i)
    }
  },
)

t.test('a printed stack keeps the frames of the attempt, and loses those of the tools', async (t) => {
  const { output } = await checkText(t, `${RIGHT}console.log(new Error('mine').stack)\n`)
  t.match(output, /^Error: mine\n {4}at .*add\.ts:2:\d+\)?\n$/)
})

t.test(
  'after the timeout, the check that ran is named with the time and its hints, and the attempt is not blamed',
  async (t) => {
    const attempt = t.testdir({
      'add.ts': 'export const add = (a: number) => { while (a === 2) {}\n return 0 }\n',
    })
    const verdict = await checkAttempt(adding, { attempt, timeoutMs: 8_000 })
    t.equal(verdict.passed, false)
    t.same(readStates(verdict), ['passed', 'failed'])
    t.match(verdict.checks.at(-1), {
      mistake: 'timeout',
      finding:
        /^Stopped after waiting 8 s for “two and one is three”\. If the machine is busy, check again\./,
      hints: ['Which sign is it?', 'It should be a plus.', '`a + b`'],
    })
    const atStart = await checkAttempt(adding, { attempt: 'solution', timeoutMs: 1 })
    t.match(atStart.checks, [{ finding: /^Stopped after waiting 0\.001 s for the checks to start\./ }])
  },
)

t.test('the import of a file is named while it runs', async (t) => {
  const attempt = t.testdir({ 'add.ts': 'while (true) {}\nexport {}\n' })
  const { checks } = await checkAttempt(adding, { attempt, timeoutMs: 8_000 })
  t.match(checks, [{ sentence: /add\.ts can be imported$/, mistake: 'timeout' }])
})

t.test('the lines that the attempt prints do not change the verdict', async (t) => {
  const lines = ['not ok 1 - me', '{"ended":true}']
  const verdict = await checkText(t, `${lines.map((line) => `console.log('${line}')\n`).join('')}${RIGHT}`)
  t.match(verdict, { passed: true, output: `${lines.join('\n')}\n` })
  t.match(formatVerdict(adding, verdict, 1), /It printed:\n│ not ok 1 - me\n/)
})

t.test('the report names each check while it runs', async (t) => {
  const seen: (string | undefined)[] = []
  await checkAttempt(adding, {
    attempt: 'solution',
    onChange: ({ running }) => seen.push(running?.sentence),
  })
  for (const sentence of ['solution/add.ts can be imported', 'two and one is three'])
    t.ok(seen.includes(sentence), sentence)
})

t.test('a signal ends the run, even one that is busy', async (t) => {
  const attempt = t.testdir({ 'add.ts': 'while (true) {}\nexport {}\n' })
  const unwanted = new AbortController()
  await t.rejects(checkAttempt(adding, { attempt, signal: AbortSignal.abort() }), { name: 'AbortError' })
  const checking = checkAttempt(adding, { attempt, signal: unwanted.signal })
  unwanted.abort()
  await t.rejects(checking, { name: 'AbortError' })
})

t.test('a Postgres that cannot be started rejects with its reason', async (t) => {
  const attempt = t.testdir({ 'add.ts': 'await new Promise(() => setInterval(() => {}, 1e6))\n' })
  const postgresUrl = Promise.reject(new Error('no space left'))
  await t.rejects(checkAttempt(adding, { attempt, postgresUrl }), { message: 'no space left' })
})

t.test('a spare process gives the same verdict as a new one', async (t) => {
  const spare = keepSpareProcess()
  t.teardown(() => spare.end())
  spare.prepare()
  const prepared = checkAttempt(adding, { start: spare.start })
  t.match(readStates(await prepared), ['passed', 'failed', 'not run'])
  t.match(await checkAttempt(adding, { attempt: 'solution', start: spare.start }), { passed: true })
})
