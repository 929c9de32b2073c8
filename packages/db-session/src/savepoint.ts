import { type Scope, transactionFailed } from './scope.ts'
import type { Session } from './session.ts'

/** Runs work between SAVEPOINT and RELEASE, or ROLLBACK TO if it throws. */
export async function savepoint<T>(
  session: Session,
  parent: Scope,
  work: (child: Scope) => Promise<T>,
): Promise<T> {
  const child = session.enter(parent)
  const name = `s${depth(child)}`
  const leave = (verb: string): Promise<void> => {
    child.over = true
    return session.savepoint(parent, `${verb} SAVEPOINT ${name}`).finally(() => {
      parent.child = undefined
    })
  }
  let result: T
  try {
    await session.savepoint(parent, `SAVEPOINT ${name}`)
    result = await work(child)
    if (child.failed !== undefined) throw transactionFailed(child.failed)
  } catch (error) {
    // where not even this can be done, the statement that failed has doomed the parent
    await leave('ROLLBACK TO').catch(() => {})
    throw error
  }
  if (child.rollbackOnly) await leave('ROLLBACK TO')
  else {
    await leave('RELEASE')
    parent.afterCommit.push(...child.afterCommit)
  }
  return result
}

function depth(scope: Scope): number {
  return scope.parent ? depth(scope.parent) + 1 : 0
}
