import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import colours from 'picocolors'
import { CHECKOUT, type Chapter, readChapters } from './chapters.ts'
import { checkAttempt } from './check-attempt.ts'
import { type Files, fingerprint, readExercise, readOriginal, readSolution } from './exercise.ts'
import { withPostgres } from './postgres.ts'
import { formatVerdict } from './print.ts'
import { readLastChapter, readPassed, rememberVerdict } from './progress.ts'
import { replaceExercise } from './replace.ts'

/** Returns the chapters as text, with a mark on those that are done. */
export async function listChapters(): Promise<string> {
  const chapters = await readChapters()
  const passed = await readPassed(chapters)
  const last = await readLastChapter()
  const lines = chapters.map(({ number, title }) => {
    const mark = passed.has(number) ? colours.green('✓') : '·'
    return `${mark} ${number.padEnd(3)} ${title}${number === last ? colours.dim(' (you are here)') : ''}\n`
  })
  return `${lines.join('')}\n${passed.size} of ${chapters.length} done. Run \`npm run learn\` to continue.\n`
}

/** Checks a folder of a chapter once, and returns an exit code. */
export async function checkOnce(chapter: Chapter, attempt: string, hints: number): Promise<number> {
  if (!existsSync(resolve(chapter.folder, attempt)))
    throw new Error(`There is no folder ${attempt} in ${chapter.folder}`)
  const files = fingerprint(await readExercise(chapter))
  const verdict = await withPostgres(chapter, (postgresUrl) =>
    checkAttempt(chapter, { attempt, postgresUrl }),
  )
  if (attempt === 'exercise') await rememberVerdict(chapter, files, verdict.passed)
  process.stdout.write(formatVerdict(chapter, verdict, hints))
  return verdict.passed ? 0 : 1
}

/** Shows the solution, and copies it to `exercise/` if the learner agrees. */
export async function takeSolution(chapter: Chapter, hasAgreed: boolean): Promise<number> {
  const solution = await readSolution(chapter)
  const folder = relative(CHECKOUT, resolve(chapter.folder, 'solution'))
  for (const [path, text] of Object.entries(solution))
    process.stdout.write(`${colours.bold(`${folder}/${path}`)}\n${text}\n`)
  return replaceIfAgreed(chapter, solution, 'Copy this to exercise/?', hasAgreed)
}

export async function resetExercise(chapter: Chapter, hasAgreed: boolean): Promise<number> {
  const original = await readChangedOriginal(chapter)
  if (original) return replaceIfAgreed(chapter, original, 'Reset exercise/ to its original files?', hasAgreed)
  process.stdout.write('The exercise already has its original files.\n')
  return 0
}

/** Resets the exercises that were changed. */
export async function resetAllExercises(hasAgreed: boolean): Promise<number> {
  let exitCode = 0
  for (const chapter of await readChapters()) {
    const original = await readChangedOriginal(chapter)
    if (!original) continue
    exitCode += await replaceIfAgreed(chapter, original, `Reset exercise ${chapter.number}?`, hasAgreed)
  }
  process.stdout.write('All other exercises have their original files.\n')
  return Math.min(exitCode, 1)
}

/** Returns the original files of an exercise, or undefined if it has them. */
async function readChangedOriginal(chapter: Chapter): Promise<Files | undefined> {
  const original = await readOriginal(chapter)
  return fingerprint(original) === fingerprint(await readExercise(chapter)) ? undefined : original
}

async function replaceIfAgreed(chapter: Chapter, files: Files, question: string, hasAgreed: boolean) {
  if (
    !hasAgreed &&
    !(await confirm(`${question} A copy of your files will be kept in .backups/ next to it.`))
  ) {
    process.stdout.write('Nothing has been changed.\n')
    return 1
  }
  const backup = await replaceExercise(chapter, files)
  const kept = backup ? ` Your files are kept in ${relative(CHECKOUT, backup)}.` : ''
  process.stdout.write(`The files are in ${relative(CHECKOUT, chapter.folder)}/exercise.${kept}\n`)
  return 0
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new Error(
      'Nothing has been changed, because there is no terminal to ask you in. Use --yes to skip the question.',
    )
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  // A closed input means no.
  const closed = new Promise<string>((done) => lines.once('close', () => done('')))
  try {
    return /^y(es)?$/i.test((await Promise.race([lines.question(`${question} [y/N] `), closed])).trim())
  } finally {
    lines.close()
  }
}
