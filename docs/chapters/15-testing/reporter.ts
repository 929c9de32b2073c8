import type { TestEvent } from 'node:test/reporters'

/** For the check: what became of each test, as lines of JSON. */
export default async function* report(events: AsyncIterable<TestEvent>) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const { name, nesting, skip, todo, details } = data
    const isTest = details.type !== 'suite' && skip === undefined && todo === undefined
    if (isTest) yield `${JSON.stringify({ name, nesting, passed: type === 'test:pass' })}\n`
  }
}
