import type { DeclarationReflection, DocumentReflection } from 'typedoc'

/** How much a word counts by where it stands. A title counts most, then a heading, then a word that is explained there. */
export const WEIGHTS = { name: 10, headings: 6, terms: 4, comment: 1, document: 1 }

/** What TypeDoc does not look at by itself: a page's headings, and its words in bold or set as code. */
export function searchFields(reflection: DeclarationReflection | DocumentReflection): Record<string, string> {
  if (!reflection.isDocument()) return {}
  const text = reflection.content.map((part) => part.text).join('')
  const prose = text.replaceAll(/^ *```.*?^ *```$/gms, '')
  return {
    headings: [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading).join('\n'),
    terms: [...prose.matchAll(/\*\*(.+?)\*\*/gs)].map(([, term]) => term).join('\n'),
    document: prose,
  }
}
