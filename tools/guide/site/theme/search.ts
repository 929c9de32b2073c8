import MiniSearch, { type Options, type SearchResult } from 'minisearch'
import { joinVerbs } from '../search.ts'

/** How much a page counts, by the start of its address. */
const WEIGHTS: Readonly<Record<string, number>> = {
  chapters: 2,
  explanation: 1.5,
  'how-to': 1.5,
  'errors/': 0.6,
  errors: 0.2,
  api: 0.5,
  class: 0.5,
  instructors: 0.5,
  'course-notes-coverage': 0.2,
  repository: 0.2,
}

/** Replaces MiniSearch in VitePress's search box. Ranks pages by their kind, and finds *log in* where a page has *login*. */
export default {
  loadJSON<T>(json: string, options: Options<T>) {
    const index = MiniSearch.loadJSON<T>(json, options)
    return {
      search(query: string): SearchResult[] {
        const isCode = /^[A-Z]+_[A-Z_]+$/.test(query.trim())
        return index.search(joinVerbs(query), {
          boostDocument: (id: string) => rate(id.replace(import.meta.env.BASE_URL, ''), isCode),
          // Half of all short words are similar.
          fuzzy: (term) => (term.length > 4 ? 0.2 : false),
        })
      },
    }
  },
}

/** Returns the weight of a section. The code of an error leads to its page. */
function rate(address: string, isCode: boolean): number {
  if (isCode && address.startsWith('errors/')) return 5
  const kind = Object.keys(WEIGHTS).find((start) => address.startsWith(start))
  const weight = kind === undefined ? 1 : (WEIGHTS[kind] ?? 1)
  // The last section of a chapter only leads to the next one.
  return address.endsWith('#next') ? weight / 4 : weight
}
