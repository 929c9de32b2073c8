import { writeSync } from 'node:fs'
import type { ReportMessage } from '@auth-primer/tool-learn'

// `npm run learn` reads the report of a check on a separate file descriptor, which the attempt does not print on.
// A check that is started by hand prints its report.
const fd = Number(process.env.CHAPTER_REPORT_FD ?? 1)
// Programs that the attempt starts do not inherit it.
delete process.env.CHAPTER_REPORT_FD

/** Writes synchronously, because the attempt may end the process at any time. */
export function report(message: ReportMessage): void {
  writeSync(fd, `${JSON.stringify(message)}\n`)
}

/** Tells the parent which programs it must end if this process cannot. */
export function reportProgram(message: { started: number } | { ended: number }): void {
  if (process.connected) process.send?.(message, () => {})
}

const postgresUrl = new Promise<string>((resolve) => {
  if (!process.connected) return
  process.on('message', ({ postgresUrl }: { postgresUrl?: string }) => postgresUrl && resolve(postgresUrl))
  // The channel by itself does not keep the check's process alive.
  process.channel?.unref()
})

/** Waits for the URL of Postgres if the parent still has to start it. */
export async function receivePostgresUrl(): Promise<void> {
  if (!process.env.CHAPTER_WAITS_FOR_POSTGRES) return
  process.channel?.ref()
  process.env.TEST_POSTGRES_URL = await postgresUrl
  process.channel?.unref()
}

/** Calls `stop` when the parent asks for it, or has ended. */
export function onStopRequest(stop: () => void): void {
  if (!process.connected) return
  process.on('message', (message) => void (message === 'stop' && stop()))
  process.on('disconnect', stop)
  process.channel?.unref()
}
