import type { TestEvent } from 'node:test/reporters'

/** Reports the result of each test as a line of JSON, for the check. */
export default async function* report(events: AsyncIterable<TestEvent>) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const { name, nesting, skip, todo, details } = data
    const isTest = details.type !== 'suite' && skip === undefined && todo === undefined
    if (isTest) yield `${JSON.stringify({ name, nesting, passed: type === 'test:pass' })}\n`
  }
}
