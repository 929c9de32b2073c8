import { type DeclarationReflection, type DocumentReflection, ReflectionKind } from 'typedoc'

/** The weight of a word by its position: in a title, a heading, in bold, or anywhere. */
export const WEIGHTS = { name: 10, headings: 6, terms: 4, comment: 1, document: 1 }

/** Returns the fields that TypeDoc does not separate itself: a page's headings, its words in bold, its text without code. */
export function createSearchFields(
  reflection: DeclarationReflection | DocumentReflection,
): Record<string, string> {
  if (!reflection.isDocument()) return {}
  const text = reflection.content.map((part) => part.text).join('')
  const prose = text.replaceAll(/^ *```.*?^ *```$/gms, '')
  return {
    headings: [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading).join('\n'),
    terms: [...prose.matchAll(/\*\*(.+?)\*\*/gs)].map(([, term]) => term).join('\n'),
    document: prose,
  }
}

/** Ranks a page that explains a word above one that uses it, and pages above single properties. */
export function rateRelevance(reflection: DeclarationReflection | DocumentReflection): number {
  if (!reflection.isDocument()) return reflection.kindOf(ReflectionKind.SomeMember) ? 0.05 : 0.5
  return BY_GROUP[String(reflection.frontmatter.group)] ?? 1
}

const BY_GROUP: Record<string, number> = {
  Understand: 3,
  'How to': 2,
  'Before you start': 1.5,
  Chapters: 1.5,
  'Build your own': 0.8,
  Errors: 0.5,
  'The repository': 0.3,
}
