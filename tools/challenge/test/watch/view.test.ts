import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { Failure } from '../../src/check.ts'
import type { CheckResult } from '../../src/run.ts'
import { STAGES } from '../../src/stages/index.ts'
import { INITIAL, type State } from '../../src/watch/state.ts'
import { viewFoot, viewPage } from '../../src/watch/view.ts'

const stage = STAGES[1] as (typeof STAGES)[number]
const sent = {
  ...{ method: 'POST', path: '/posts', headers: {}, credentials: 'without a token' },
  body: '{"content":"x"}',
}
const base = { isSilent: false, durationMs: 5 }
const results: CheckResult[] = stage.checks.map((check, index) => {
  if (index < 2)
    return {
      check,
      state: 'failed',
      failure: new Failure('status 400 or 422', `201 number ${index}`, sent),
      ...base,
    }
  return index === 2
    ? { check, state: 'blocked', reason: 'This needs a token.', ...base }
    : { check, state: 'passed', ...base }
})
const state: State = {
  ...{ ...INITIAL, stages: STAGES, stage, reached: '01' },
  results: new Map([['02', { stage, results, isPassed: false, durationMs: 30 }]]),
}
const render = (state: State, columns = 80) =>
  [...viewPage(state, columns).flatMap(({ lines }) => lines), ...viewFoot(state, columns)]
    .map(stripVTControlCharacters)
    .join('\n')

t.test('the page shows the stage, its checks, and what was sent, expected and received', async (t) => {
  const text = render(state)
  t.match(text, '02 · Input is validated\nRead docs/build-your-own/02-validates-input.md\n')
  t.match(text, '✗ a post without a title is rejected\n✗ a post without content is rejected\n? a title')
  t.match(text, 'not checked: This needs a token.\n✓ ')
  t.match(text, 'a post without a title is rejected (failure 1 of 2)\n')
  t.match(
    text,
    'sent:     POST /posts, without a token, {"content":"x"}\nexpected: status 400 or 422\nactual:   201 number 0\n',
  )
  t.match(text, /█+░+ {2}1 of 21 stages\nh hint · f next failure · .* · q quit$/)
  t.match(render({ ...state, failure: 1 }), 'actual:   201 number 1\n')
})

t.test('the page shows as many hints as requested', async (t) => {
  for (const hints of [0, 1, 2, 3]) {
    const text = render({ ...state, hints })
    t.equal(text.match(/^Hint \d of 3: /gm)?.length ?? 0, hints)
    t.equal(text.includes('Stuck? Press h for a hint.'), hints === 0)
  }
})

t.test('each page fits in 80, 40 and 20 columns', async (t) => {
  for (const page of ['stage', 'list'] as const)
    for (const columns of [80, 40, 20]) {
      const check = stage.checks[0]
      const full = { ...state, page, hints: 3, notice: 'You have passed stage 01. '.repeat(4) }
      const lines = render({ ...full, running: { stage, check }, problem: 'It ended. '.repeat(9) }, columns)
      t.same(
        lines.split('\n').filter((line) => line.length > columns),
        [],
        `${page} in ${columns}`,
      )
    }
})

t.test('the list shows which stages pass', async (t) => {
  const text = render({ ...state, page: 'list', selected: 2 })
  t.match(text, '  ✓ 01 The server answers\n  · 02 Input is validated (you are here)\n> · 03 ')
})
