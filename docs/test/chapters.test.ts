import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Chapter, type Check, checkAttempt, readChapters, type Verdict } from '@auth-primer/tool-learn'
import t, { type Test } from 'tap'

const postgresUrl = process.env.TEST_POSTGRES_URL
const failed = ({ checks }: Verdict) => checks.filter(({ state }) => state === 'failed')

/** Three hints, and what was found, for somebody who is not shown the check. */
function isExplained({ finding, hints = [] }: Check): boolean {
  return Boolean(finding) && new Set(hints).size === 3 && hints.every((hint) => hint.length > 10)
}

for (const chapter of await readChapters()) {
  const { number, title, folder } = chapter
  t.test(`${number} ${title}`, { buffered: true }, async (t) => {
    await theExerciseFails(t, chapter)
    const solved = await checkAttempt(chapter, { attempt: 'solution', postgresUrl })
    t.ok(solved.passed, `the solution passes ${solved.output}`)
    t.same(failed(solved), [])

    const mistakes = await readdir(resolve(folder, 'bad'))
    t.equal(mistakes.length, 3, 'three wrong solutions')
    const hints = new Set<string>()
    for (const mistake of mistakes) {
      const verdict = await checkAttempt(chapter, { attempt: `bad/${mistake}`, postgresUrl })
      const [check] = failed(verdict)
      t.equal(check?.mistake, mistake, `${mistake} is told ${verdict.output}`)
      t.ok(check && isExplained(check), `${mistake} is explained`)
      hints.add(`${check?.hints}`)
    }
    t.equal(hints.size, 3, 'each with its own hints')
  })
}

async function theExerciseFails(t: Test, chapter: Chapter) {
  const verdict = await checkAttempt(chapter, { postgresUrl })
  t.notOk(verdict.passed, 'the untouched exercise fails')
  const [check] = failed(verdict)
  t.ok(check && isExplained(check), `and says why ${verdict.output}`)
  t.not(check?.mistake, 'not-loaded', 'though it can be run')
}
