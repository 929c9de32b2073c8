import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Chapter, type Check, checkAttempt, readChapters, type Verdict } from '@auth-primer/tool-learn'
import t, { type Test } from 'tap'

/** With `--all-answers`, every answer is judged. Otherwise of each chapter the first right one and the first two wrong ones. */
const ALL_ANSWERS = process.argv.includes('--all-answers')
const [MAX_GOOD, MAX_BAD] = ALL_ANSWERS ? [Infinity, Infinity] : [1, 2]
const MIN_GOOD = 5
const MIN_BAD = 6

const postgresUrl = process.env.TEST_POSTGRES_URL
const failed = ({ checks }: Verdict) => checks.filter(({ state }) => state === 'failed')

/** Three hints, and what was found, for somebody who is not shown the check. */
function isExplained({ finding, hints = [] }: Check): boolean {
  return Boolean(finding) && new Set(hints).size === 3 && hints.every((hint) => hint.length > 10)
}

/** With `CHAPTER=05`, only that chapter is judged. */
const chapters = (await readChapters()).filter(({ number }) => number === (process.env.CHAPTER ?? number))

// Two chapters at a time if there is much to judge. In `npm run test:docs`, other files run at the same time.
if (ALL_ANSWERS) t.jobs = 2

for (const chapter of chapters) {
  const { number, title, folder } = chapter
  t.test(`${number} ${title}`, { buffered: true }, async (t) => {
    await theExerciseFails(t, chapter)
    await theAnswerPasses(t, chapter, 'solution')

    const styles = await readFolders(resolve(folder, 'good'))
    const names = await readFolders(resolve(folder, 'bad'))
    t.ok(styles.length >= MIN_GOOD, `${MIN_GOOD} right answers beside the solution, or more`)
    t.ok(names.length >= MIN_BAD, `${MIN_BAD} wrong answers, or more`)
    for (const style of styles.slice(0, MAX_GOOD)) await theAnswerPasses(t, chapter, `good/${style}`)

    const hintsByMistake = new Map<string, string>()
    for (const name of names.slice(0, MAX_BAD)) {
      const verdict = await checkAttempt(chapter, { attempt: `bad/${name}`, postgresUrl })
      const [check] = failed(verdict)
      const [mistake = ''] = name.split('--')
      t.equal(check?.mistake, mistake, `${name} is told ${check?.finding} ${verdict.output}`)
      t.ok(check && isExplained(check), `${name} is explained`)
      hintsByMistake.set(mistake, `${check?.hints}`)
    }
    t.equal(new Set(hintsByMistake.values()).size, hintsByMistake.size, 'each mistake has its own hints')
  })
}

async function theExerciseFails(t: Test, chapter: Chapter) {
  const verdict = await checkAttempt(chapter, { postgresUrl })
  t.notOk(verdict.passed, 'the untouched exercise fails')
  const [check] = failed(verdict)
  t.ok(check && isExplained(check), `and says why ${verdict.output}`)
  t.not(check?.mistake, 'not-loaded', 'though it can be run')
}

async function theAnswerPasses(t: Test, chapter: Chapter, attempt: string) {
  const verdict = await checkAttempt(chapter, { attempt, postgresUrl })
  const [check] = failed(verdict)
  t.ok(verdict.passed, `${attempt} passes ${check?.finding ?? ''} ${verdict.output}`)
  t.same(failed(verdict), [])
}

/** The names of the folders in a folder, sorted; none if it does not exist. */
async function readFolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}
