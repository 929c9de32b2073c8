import { relative } from 'node:path'
import colours from 'picocolors'
import { CHECKOUT } from '../chapters.ts'
import { viewExercise } from './exercise-view.ts'
import { type Section, wrap, wrapCode } from './section.ts'
import type { State } from './state.ts'

/** Shows the page, without the foot. */
export function viewPage(state: State, columns: number): Section[] {
  return viewSections(state, columns).filter(({ lines }) => lines.length > 0)
}

function viewSections(state: State, columns: number): Section[] {
  if (state.page === 'list') return [viewList(state, columns)]
  if (state.page === 'solution') return viewSolution(state, columns)
  if (state.page === 'end') return [viewEnd(columns)]
  return viewExercise(state, columns)
}

function viewList({ chapters, passed, chapter, selected }: State, columns: number): Section {
  const lines = chapters.flatMap((one, index) => {
    const mark = passed.has(one.number) ? colours.green('✓') : '·'
    const here = one === chapter ? colours.dim(' (you are here)') : ''
    const line = `${index === selected ? '>' : ' '} ${mark} ${one.number.padEnd(3)} ${one.title}${here}`
    return wrap(index === selected ? colours.bold(line) : line, columns, 8)
  })
  return { key: 'list', lines }
}

function viewSolution({ chapter, solution }: State, columns: number): Section[] {
  const from = relative(CHECKOUT, chapter.folder)
  return Object.entries(solution).map(([path, text]) => ({
    key: `solution ${path}`,
    lines: [
      ...wrap(colours.bold(`${from}/solution/${path}`), columns),
      ...wrapCode(text.trimEnd().split('\n'), columns),
    ],
  }))
}

function viewEnd(columns: number): Section {
  const lines = [
    colours.bold('All chapters are done.'),
    '',
    'What comes next:',
    '- See everything in one service: run `npm start`, and open http://127.0.0.1:3000/docs. Its code is in examples/social-api. You already know each part.',
    '- Change it: `npm run dev` restarts it each time you save. CONTRIBUTING.md shows how to add a route.',
    '- Use the packages in your own service: docs/how-to/add-auth-hash.md, add-jwt-kit.md and add-db-session.md.',
    '- Learn more: docs/explanation/, starting with security.md.',
  ]
  return { key: 'end', lines: lines.flatMap((line) => wrap(line, columns, 2)) }
}
