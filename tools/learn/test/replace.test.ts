import { readFile, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import { readExercise, readOriginal, readSolution } from '../src/exercise.ts'
import { replaceExercise } from '../src/replace.ts'

const NOW = new Date('2026-03-01T10:20:30.400Z')

/** Creates a chapter with these files of the learner. */
function createChapter(t: Test, exercise: Record<string, string>) {
  const solution = '// #region a\nexport const a = 2\n// #endregion\n'
  const dir = t.testdir({
    'originals.json': JSON.stringify({ '01-a': { 'a.ts': 'export const a = 0\n' } }),
    chapters: { '01-a': { exercise, solution: { 'a.ts': solution } } },
  })
  return { number: '01', title: 'A', folder: resolve(dir, 'chapters/01-a') }
}

t.test('the learner’s edits and additional files are kept in a backup', async (t) => {
  const edited = { 'a.ts': 'export const a = 1\n', 'b.ts': 'mine\n' }
  const chapter = createChapter(t, edited)
  const backup = await replaceExercise(chapter, await readOriginal(chapter), NOW)
  t.equal(backup, resolve(chapter.folder, '.backups/2026-03-01T10-20-30'))
  t.same(await readExercise(chapter), { 'a.ts': 'export const a = 0\n' })
  for (const [path, text] of Object.entries(edited))
    t.equal(await readFile(resolve(backup as string, path), 'utf8'), text)
})

t.test('original files and a solution are not backed up', async (t) => {
  const chapter = createChapter(t, { 'a.ts': 'export const a = 0\n' })
  const solution = await readSolution(chapter)
  t.same(solution, { 'a.ts': 'export const a = 2\n' }, 'without the marks of regions')
  t.equal(await replaceExercise(chapter, solution, NOW), undefined)
  t.equal(await replaceExercise(chapter, solution, NOW), undefined, 'also if the solution is there already')
  t.same(await readExercise(chapter), solution)
})

t.test('a deleted folder is restored', async (t) => {
  const chapter = createChapter(t, { 'a.ts': '' })
  await rm(resolve(chapter.folder, 'exercise'), { recursive: true })
  t.equal(await replaceExercise(chapter, await readOriginal(chapter), NOW), undefined)
  t.same(await readExercise(chapter), { 'a.ts': 'export const a = 0\n' })
})

t.test('a backup is never overwritten', async (t) => {
  const chapter = createChapter(t, { 'a.ts': 'mine' })
  const backup = await replaceExercise(chapter, await readOriginal(chapter), NOW)
  await writeFile(resolve(chapter.folder, 'exercise/a.ts'), 'mine too')
  await t.rejects(replaceExercise(chapter, await readOriginal(chapter), NOW))
  t.equal(await readFile(resolve(backup as string, 'a.ts'), 'utf8'), 'mine')
  t.same(await readExercise(chapter), { 'a.ts': 'mine too' }, 'files without a backup are not overwritten')
})
