export { type Chapter, findChapter, readChapters } from './chapters.ts'
export { type CheckOptions, checkAttempt, type Verdict } from './check.ts'
export { readExercise } from './exercise.ts'
export type { Check, Report } from './report.ts'
