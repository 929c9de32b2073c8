import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import colours from 'picocolors'
import { CHECKOUT, type Chapter, readChapters } from './chapters.ts'
import { checkAttempt } from './check.ts'
import { type Files, fingerprint, readExercise, readOriginal, readSolution } from './exercise.ts'
import { withPostgres } from './postgres.ts'
import { textOf } from './print.ts'
import { readLastChapter, readPassed, rememberVerdict } from './progress.ts'
import { replaceExercise } from './replace.ts'

/** The chapters, and how far one has come. */
export async function list(): Promise<string> {
  const chapters = await readChapters()
  const passed = await readPassed(chapters)
  const last = await readLastChapter()
  const lines = chapters.map(({ number, title }) => {
    const mark = passed.has(number) ? colours.green('✓') : '·'
    return `${mark} ${number.padEnd(3)} ${title}${number === last ? colours.dim(' (you are here)') : ''}\n`
  })
  return `${lines.join('')}\n${passed.size} of ${chapters.length} done. \`npm run learn\` goes on.\n`
}

/** Checks a folder of a chapter, and answers with an exit code. */
export async function checkOnce(chapter: Chapter, attempt: string, hints: number): Promise<number> {
  if (!existsSync(resolve(chapter.folder, attempt)))
    throw new Error(`There is no folder ${attempt} in ${chapter.folder}`)
  const files = fingerprint(await readExercise(chapter))
  const verdict = await withPostgres(chapter, (postgresUrl) =>
    checkAttempt(chapter, { attempt, postgresUrl }),
  )
  if (attempt === 'exercise') await rememberVerdict(chapter, files, verdict.passed)
  process.stdout.write(textOf(chapter, verdict, hints))
  return verdict.passed ? 0 : 1
}

export async function putSolution(chapter: Chapter, isAgreed: boolean): Promise<number> {
  const solution = await readSolution(chapter)
  const folder = relative(CHECKOUT, resolve(chapter.folder, 'solution'))
  for (const [path, text] of Object.entries(solution))
    process.stdout.write(`${colours.bold(`${folder}/${path}`)}\n${text}\n`)
  return replace(chapter, solution, 'Put this into exercise/?', isAgreed)
}

export async function putBack(chapter: Chapter, isAgreed: boolean): Promise<number> {
  const original = await readOriginal(chapter)
  if (fingerprint(original) !== fingerprint(await readExercise(chapter)))
    return replace(chapter, original, 'Put the exercise back as it came?', isAgreed)
  process.stdout.write('The exercise is as it came.\n')
  return 0
}

/** Nobody's work is written over who has not said so. */
async function replace(chapter: Chapter, files: Files, question: string, isAgreed: boolean): Promise<number> {
  if (!isAgreed && !(await asks(`${question} Yours is kept in .backups/ beside it.`))) {
    process.stdout.write('Nothing has been changed.\n')
    return 1
  }
  const backup = await replaceExercise(chapter, files)
  const kept = backup ? ` Yours is kept in ${relative(CHECKOUT, backup)}.` : ''
  process.stdout.write(`${relative(CHECKOUT, chapter.folder)}/exercise has it now.${kept}\n`)
  return 0
}

async function asks(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new Error('Nothing has been changed: there is nobody to ask. With --yes it is done without asking.')
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  // Whoever closes the input has not said yes.
  const closed = new Promise<string>((done) => lines.once('close', () => done('')))
  try {
    return /^y(es)?$/i.test((await Promise.race([lines.question(`${question} [y/N] `), closed])).trim())
  } finally {
    lines.close()
  }
}
