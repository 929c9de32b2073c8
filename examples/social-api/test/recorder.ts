import { createLogger } from '../platform/logging.ts'

export interface Line {
  level: number
  msg: string
  reqId?: string
  ms?: number
  req?: { method: string; url: string }
}

/** Records a log, so that a test can read it. */
export function recordLog(level: string) {
  const lines: Line[] = []
  let onLine = () => {}
  const destination = {
    write(line: string) {
      lines.push(JSON.parse(line))
      onLine()
    },
  }
  /** Returns and removes the lines so far, when every request has been logged as completed, which is after its response. */
  const taken = async () => {
    const count = (text: string) => lines.filter(({ msg }) => msg === text).length
    while (count('incoming request') > count('request completed')) {
      await new Promise<void>((resolve) => {
        onLine = resolve
      })
    }
    return lines.splice(0)
  }
  return { taken, loggerInstance: createLogger({ level, destination }) }
}

export function isSql({ msg }: Line): boolean {
  return /^(select|insert|update|delete|begin|commit|rollback)\b/i.test(msg)
}

export function listStatements(lines: Line[]): string[] {
  return lines.filter(isSql).map(({ msg }) => msg)
}
