import { dirname, relative, resolve } from 'node:path'
import { readAnchors } from './links.ts'
import { type Page, readPage } from './pages.ts'

/** A numbered item of a presenter's page, as sentences. A question or words to say are one, with the answer. */
export type Step = readonly string[]

/** Returns the steps under a heading, “Show” for a presenter's page. */
export function readSteps(text: string, anchor = 'show'): Step[] {
  return (
    readSection(text, anchor)
      .split(/^\d+\. /m)
      .slice(1)
      // A paragraph after the list belongs to no item.
      .map((item) => joinSpeech(splitSentences(item.split(/\n\n(?! )/)[0] ?? '')))
  )
}

/** Joins the sentences of a speech: it goes on up to the next instruction. */
function joinSpeech(sentences: readonly string[]): Step {
  const step: string[] = []
  for (const sentence of sentences) {
    const last = step.at(-1)
    if (last !== undefined && isSpeech(last) && !isSpeech(sentence) && !isInstruction(sentence))
      step[step.length - 1] = `${last} ${sentence}`
    else step.push(sentence)
  }
  return step
}

/** Splits text into sentences. Signs within code, links and quotations end no sentence. */
export function splitSentences(text: string): string[] {
  const kept: string[] = []
  const masked = text.replaceAll(/`[^`]*`|\[[^\]]*\]\([^)]*\)|“[^”]*”|\*\*[^*]*\*\*/g, (part) => {
    kept.push(part)
    return `\0${kept.length - 1}\0`
  })
  return masked
    .replaceAll(/\s+/g, ' ')
    .split(/(?<=[.?!]\)?) /)
    .map((sentence) => unmask(sentence, kept).trim())
    .filter((sentence) => sentence !== '')
}

const unmask = (text: string, kept: readonly string[]): string =>
  text.replaceAll(/\0(\d+)\0/g, (_, index) => kept[Number(index)] ?? '')

/** A sentence that is meant for people: a question, or words to say. */
export function isSpeech(sentence: string): boolean {
  return /^(Ask|Say|Let the class)\b/.test(sentence)
}

/** Returns true for an instruction that a program could follow, or a result that it could check. */
export function isInstruction(sentence: string): boolean {
  return /^(?:Press \*\*|(?:Open|Click|Visit|Reload|Log (in|out)|Set|Copy|Run|In (another terminal, run|the log, you|the timeline, open)|You (don't )?see)\b)/.test(
    sentence,
  )
}

/** The parts of an expectation: what must be there, and what must not. */
export interface Expectation {
  readonly place: 'log' | 'view'
  readonly seen: readonly string[]
  readonly unseen: readonly string[]
}

/** Reads a sentence such as “You see `201`, but not `role`.” */
export function readExpectation(sentence: string): Expectation | undefined {
  const found = /^(In the log, you|You) see (.+)\.$/s.exec(sentence)
  if (found === null) return undefined
  const [, subject = '', rest = ''] = found
  const [seen = '', unseen = ''] = rest.split(', but not ')
  if (readFragments(seen).length === 0) return undefined
  return {
    place: subject.startsWith('In') ? 'log' : 'view',
    seen: readFragments(seen),
    unseen: readFragments(unseen),
  }
}

/** Returns the texts in code and in quotation marks. */
function readFragments(text: string): string[] {
  return [...text.matchAll(/`([^`]*)`|“([^”]*)”/g)].map(([, code, quotation]) => code ?? quotation ?? '')
}

/** Returns the part of a page under the heading with this anchor, up to the next heading of any level. */
export function readSection(text: string, anchor: string): string {
  const sections = text.split(/^(?=#+ )/m)
  return sections.find((section) => readAnchors(section.split('\n')[0] ?? '').includes(anchor)) ?? ''
}

/** Returns the text of a students' page with the current words of its chapter's exercise. */
export async function refreshTask(page: Page): Promise<string> {
  const [, folder = ''] = /^The files are in `docs\/chapters\/([^`]+)`\.$/m.exec(page.text) ?? []
  if (folder === '') return page.text
  const chapter = await readPage(resolve(page.path, '../../chapters', folder, 'README.md'))
  const [words = ''] = readSection(chapter.text, 'the-exercise').replace(/^.*\n/, '').split('\n```')
  const task = words
    .trim()
    .replace(/\s*Then(?: check your work)?:$/, '')
    .replace(/:$/, '.')
    .replaceAll(/\]\((?![a-z]+:|#)([^)]+)\)/g, (_, link: string) => {
      const [path = '', ...anchor] = link.split('#')
      return `](${[relative(dirname(page.path), resolve(chapter.path, '..', path)), ...anchor].join('#')})`
    })
  return page.text.replace(/(\nThe files are in [^\n]+\n\n).*?(?=\n\n## )/s, (_, head: string) => head + task)
}
