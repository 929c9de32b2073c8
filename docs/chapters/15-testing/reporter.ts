import type { TestEvent } from 'node:test/reporters'

/** Reports the result of each test, and of each app, as a line of JSON, for the check. */
export default async function* report(events: AsyncIterable<TestEvent>) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const { name, nesting, skip, todo, details } = data
    const passed = type === 'test:pass'
    const cause = 'error' in details ? details.error.cause : undefined
    const error = cause instanceof Error ? cause.message : undefined
    const isTest = details.type !== 'suite' && skip === undefined && todo === undefined
    if (isTest) yield `${JSON.stringify({ name, nesting, passed })}\n`
    else if (name.startsWith('app: ')) yield `${JSON.stringify({ app: name.slice(5), passed, error })}\n`
  }
}
