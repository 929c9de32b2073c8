import t from 'tap'
import { fuzz } from './fuzz/fuzz.ts'
import { serve } from './helper.ts'

/** The same each time, so that a failure is everybody's; `npm run fuzz` takes others, and more requests. */
const SEED = 20_261_122
const REQUESTS = 500

t.test('every answer is one that the document declares, of its type and as its schema says', async (t) => {
  const service = await serve(t)
  t.comment(`seed ${SEED}`)
  const counts = await fuzz(service, { requests: REQUESTS, seed: SEED })
  for (const [operation, { '2xx': good, '4xx': bad }] of counts) {
    t.comment(`${operation.padEnd(20)} ${String(good).padStart(4)} 2xx ${String(bad).padStart(4)} 4xx`)
    t.ok(good > 0, `${operation} succeeded: if it never does, \`fuzz/live.ts\` lacks what is live for it`)
    t.ok(bad > 0, `${operation} was refused`)
  }
})
