export { type Chapter, findChapter, readChapters } from './chapters.ts'
export { type CheckOptions, type Claim, check, type Verdict } from './check.ts'
