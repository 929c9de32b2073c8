import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Chapter, findChapter, readChapters } from '../src/chapters.ts'
import { check } from '../src/check.ts'
import { textOf } from '../src/print.ts'

const FAILS = `TAP version 14
ok 1 - the server answers
not ok 2 - and says who it is
  ---
  mistake: anonymous
  finding: It said nothing.
  expected: "'me'"
  came: undefined
  hints:
    - look
    - do
    - type
  ...
ok 3 - and when # SKIP not looked at yet
1..3
`

/** A chapter whose check is this program. */
async function chapterWith(t: Test, program: string): Promise<Chapter> {
  const dir = await mkdtemp(join(tmpdir(), 'learn-'))
  t.teardown(() => rm(dir, { recursive: true }))
  const folder = join(dir, '07-a-chapter')
  await mkdir(folder)
  await writeFile(join(folder, 'README.md'), '# 07 · A chapter\n')
  await writeFile(join(folder, 'check.test.ts'), program)
  const [chapter] = await readChapters(dir)
  t.same(chapter, { number: '07', title: 'A chapter', folder, hasTables: false })
  return chapter as Chapter
}

t.test('the first claim that does not hold is told, with as many hints as are wanted', async (t) => {
  const chapter = await chapterWith(t, `console.log(${JSON.stringify(FAILS)}); process.exitCode = 1`)
  const verdict = await check(chapter)
  t.equal(verdict.passed, false)
  t.same(
    verdict.claims.map(({ state }) => state),
    ['holds', 'does not hold', 'not looked at'],
  )
  t.match(verdict.claims[1], { mistake: 'anonymous', hints: ['look', 'do', 'type'] })

  const text = textOf(chapter, verdict, 2)
  t.match(
    text,
    "  expected: 'me'\n  came:     undefined\nHint 1: look\nHint 2: do\nAnother hint: --hints 3\n",
  )
  t.notMatch(textOf(chapter, verdict, 0), 'Hint 1')
  t.notMatch(textOf(chapter, verdict, 3), 'Another hint')
})

t.test('what is checked is named to the check, and all that holds is a pass', async (t) => {
  const program = `const attempt: string = process.env.CHAPTER_ATTEMPT ?? ''
console.log(\`TAP version 14\\nok 1 - \${attempt}\\n1..1\`)`
  const chapter = await chapterWith(t, program)
  t.match(await check(chapter, { attempt: 'solution' }), { passed: true, claims: [{ sentence: 'solution' }] })
  t.match(await check(chapter), { passed: true, claims: [{ sentence: 'exercise' }] })
})

t.test('a check that breaks off is no pass, and says why', async (t) => {
  const chapter = await chapterWith(t, 'console.log("TAP version 14"); throw new Error("no table")')
  const verdict = await check(chapter)
  t.equal(verdict.passed, false)
  t.match(textOf(chapter, verdict, 1), /The check broke off:\n(.*\n)*.*no table/)
})

t.test('a chapter is found by its number, and a wrong one is told which there are', async (t) => {
  t.match(await findChapter('5'), { number: '05' })
  t.match(await findChapter('05-creating-users'), { number: '05' })
  await t.rejects(findChapter('99'), {
    message: /There is no such chapter\. These are there:\n {2}01 {2}Run server/,
  })
})
