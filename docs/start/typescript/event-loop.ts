// #region wait
import { setTimeout as sleep } from 'node:timers/promises'

async function serve(name: string): Promise<string> {
  console.log(name, 'starts')
  await sleep(20)
  console.log(name, 'ends')
  return name.toUpperCase()
}

const served = await Promise.all([serve('ada'), serve('bob')])
console.log(served)
// #endregion

// #region forgotten
const promise = serve('eve')
console.log(promise)
console.log(await promise)
// #endregion

// #region busy
const start = performance.now()
const timer = sleep(10).then(() => performance.now() - start)
while (performance.now() - start < 200) Math.sqrt(2)
console.log(`The timer was set to 10 ms. It fired after ${Math.round(await timer)} ms.`)
// #endregion
