import { writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import type t from 'tap'

// `npm run learn` starts a check with a channel to it. By hand, a check prints TAP as any test does.

/** Says TAP where the parent reads it, so that nothing that the attempt prints gets among it. */
export function report(tap: typeof t): void {
  const fd = Number(process.env.CHAPTER_TAP_FD)
  if (!fd) return
  // For the attempt's own tests, which print their own.
  delete process.env.CHAPTER_TAP_FD
  tap.pipe(
    new Writable({
      // At once: the attempt may end the process.
      write(chunk, _encoding, done) {
        writeSync(fd, chunk)
        done()
      },
    }),
  )
  tap.register()
}

/** Tells the parent of a process group that it should end if this process cannot. */
export function tell(news: { started: number } | { ended: number }): void {
  if (process.connected) process.send?.(news, () => {})
}

/** Calls back when the parent wants that, or is gone. */
export function onTold(word: 'stop', work: () => void): void {
  if (!process.connected) return
  process.on('message', (message) => void (message === word && work()))
  process.on('disconnect', work)
  // By itself the channel keeps no check alive.
  process.channel?.unref()
}
