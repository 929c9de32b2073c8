import { SCROLL_LINES } from './keys.ts'
import type { Display } from './screen.ts'
import type { Session } from './session.ts'

/** Runs the command of a key on the page that is shown. */
export async function press(key: string, session: Session, display: Display): Promise<void> {
  const { page, question } = session.state
  if (question) return session.answer(key === 'y')
  if (page === 'list') return pressInList(key, session)
  if (SCROLL_LINES[key]) return display.scroll(SCROLL_LINES[key])
  if (page === 'solution') return key === 'y' ? session.takeSolution() : session.show('exercise')
  if (key === 'l') return session.show('list')
  if (page === 'end') return
  if (key === 'h') return session.hint()
  if (key === 'r' || key === 'return') return session.check()
  if (key === 'n') return session.next()
  if (key === 's') return session.showSolution()
  if (key === 'x') return session.askToReset()
}

async function pressInList(key: string, session: Session): Promise<void> {
  if (key === 'up' || key === 'k') session.select(-1)
  else if (key === 'down' || key === 'j') session.select(1)
  else if (key === 'return') await session.openSelected()
  else if (key === 'l' || key === 'escape') session.show('exercise')
}
