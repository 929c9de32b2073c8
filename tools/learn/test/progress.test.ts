import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import t from 'tap'
import { fingerprint, readExercise } from '../src/exercise.ts'
import { readLastChapter, readPassed, rememberChapter, rememberVerdict } from '../src/progress.ts'

const dir = t.testdir({
  data: {},
  '01-a': { exercise: { 'a.ts': '1' } },
  '02-b': { exercise: { 'b.ts': '1' } },
})
process.env.AUTH_PRIMER_DATA_DIR = resolve(dir, 'data/new')
const createChapter = (number: string, name: string) => ({
  ...{ number, title: name, folder: resolve(dir, name) },
})
const a = createChapter('01', '01-a')
const b = createChapter('02', '02-b')
const passed = async () => [...(await readPassed([a, b]))]

t.test('a chapter counts as passed while its files are the ones that passed', async (t) => {
  t.same(await passed(), [])
  await rememberVerdict(a, fingerprint(await readExercise(a)), true)
  await rememberVerdict(b, 'other files', true)
  t.same(await passed(), ['01'])
  await writeFile(resolve(a.folder, 'exercise/a.ts'), '2')
  t.same(await passed(), [], 'the files have changed')
  await writeFile(resolve(a.folder, 'exercise/a.ts'), '1')
  t.same(await passed(), ['01'], 'the files are restored')
  await rememberVerdict(a, 'other files', false)
  t.same(await passed(), ['01'], 'other files have failed')
  await rememberVerdict(a, fingerprint(await readExercise(a)), false)
  t.same(await passed(), [], 'the same files have failed')
})

t.test('the last chapter is remembered together with the passed ones', async (t) => {
  t.equal(await readLastChapter(), undefined)
  await rememberVerdict(b, fingerprint(await readExercise(b)), true)
  await rememberChapter(a)
  t.equal(await readLastChapter(), '01')
  t.same(await passed(), ['02'])
})

t.test('a damaged progress file counts as an empty one', async (t) => {
  const path = resolve(dir, 'data/new/learn.json')
  await readFile(path)
  for (const text of ['', '{', '[]', 'null', '{"passed": 1}']) {
    await writeFile(path, text)
    t.same(await passed(), [], text)
    t.equal(await readLastChapter(), undefined, text)
  }
})
