import { utimes } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const FILE = resolve(import.meta.dirname, '../solution/server.ts')
const URL = `http://127.0.0.1:${process.env.PORT ?? 3000}/`

/** Returns the message of the server, or null while it restarts. */
const ask = async () => {
  const response = await fetch(URL).catch(() => null)
  return response && ((await response.json()) as { message: string }).message
}

const before = await ask()
if (before === null) throw new Error(`No server responds at ${URL}. Start it with \`npm run dev\` first.`)
console.log('before the save:', before)

let after: string | null = before
for (let waitedMs = 0; after === before || after === null; waitedMs += 100) {
  // Repeated now and then, because the first save may have come before the watcher was ready.
  if (waitedMs % 5_000 === 0) await utimes(FILE, new Date(), new Date())
  await sleep(100)
  after = await ask()
}
console.log('after the save: ', after)
