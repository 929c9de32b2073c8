import { AsyncResource } from 'node:async_hooks'
import { createInterface } from 'node:readline/promises'
import { after, describe } from 'node:test'
import { pathToFileURL } from 'node:url'

// Runs a file of tests once for each app, in one process: `run-all.ts FILE APP…`. Loading Fastify takes longer than the tests.
// Its first line of input is the address of the database. Before each further app it waits for another line, in which time the
// database can be cleaned.
const [, , file = '', ...apps] = process.argv
const { href } = pathToFileURL(file)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
await Promise.all([import('./open-app.ts'), import('./app.ts')])

process.env.DATABASE_URL = (await lines.next()).value

// node:test adds a suite to the one in whose asynchronous context it is created. Each app has one at the top.
const top = new AsyncResource('top')
// A pattern for the names of tests could leave out the suite.
const hasPattern = process.execArgv.some((option) => option.startsWith('--test-name-pattern'))
for (const [index, app] of apps.entries()) {
  if (index > 0) await lines.next()
  process.env.APP = app
  if (hasPattern) {
    await import(href)
    continue
  }
  await new Promise<void>((done) => {
    top.runInAsyncScope(describe, undefined, `app: ${app}`, () => {
      after(() => done())
      // With another query, the file is loaded again.
      const loaded = import(`${href}?app=${app}`)
      loaded.catch(() => done())
      return loaded
    })
  })
}
// Otherwise the open input keeps the process alive.
process.stdin.destroy()
