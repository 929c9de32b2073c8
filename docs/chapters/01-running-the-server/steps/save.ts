import { utimes } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const FILE = resolve(import.meta.dirname, '../solution/server.ts')
const URL = `http://127.0.0.1:${process.env.PORT ?? 3000}/`

/** What it answers; while it starts anew, nobody does. */
const ask = async () => {
  const response = await fetch(URL).catch(() => null)
  return response && ((await response.json()) as { message: string }).message
}

const before = await ask()
console.log('before the save:', before)

const now = new Date()
await utimes(FILE, now, now)

let after = await ask()
while (after === null || after === before) {
  await sleep(100)
  after = await ask()
}
console.log('after the save: ', after)
