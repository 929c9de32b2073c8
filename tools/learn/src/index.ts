export { type Chapter, findChapter, readChapters } from './chapters.ts'
export { type CheckOptions, check, type Verdict } from './check.ts'
export { readExercise } from './exercise.ts'
export type { Claim, Report } from './report.ts'
