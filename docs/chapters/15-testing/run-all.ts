import { AsyncResource } from 'node:async_hooks'
import { createInterface } from 'node:readline/promises'
import { after, describe } from 'node:test'
import { pathToFileURL } from 'node:url'

// Runs a file of tests once for each app, in one process: `run-all.ts FILE APP…`. Loading Fastify takes longer than the tests.
// Between two apps it waits for a line of input, in which time the database can be cleaned.
const [, , file = '', ...apps] = process.argv
const { href } = pathToFileURL(file)
const input = createInterface({ input: process.stdin })

// node:test adds a suite to the one in whose asynchronous context it is created. Each app has one at the top.
const top = new AsyncResource('top')
for (const app of apps) {
  await new Promise<void>((done) => {
    process.env.APP = app
    top.runInAsyncScope(describe, undefined, `app: ${app}`, () => {
      after(() => done())
      // With another query, the file is loaded again.
      const loaded = import(`${href}?app=${app}`)
      loaded.catch(() => done())
      return loaded
    })
  })
  if (app !== apps.at(-1)) await new Promise((goOn) => input.once('line', goOn))
}
input.close()
