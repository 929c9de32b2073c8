export { type Chapter, findChapter, readChapters } from './chapters.ts'
export { type CheckOptions, checkAttempt, type Verdict } from './check-attempt.ts'
export { readExercise } from './exercise.ts'
export type { Check, Report, ReportMessage, RunningCheck } from './report.ts'
