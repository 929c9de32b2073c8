// Loaded into the service before it starts (`--import`). Responds to its parent process over IPC: which functions ran since
// the last request, and in which order a given set of functions first ran.
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })

/** The files whose functions have run, in the order of their first execution. */
const order = []

const commands = {
  async takeCoverage() {
    const { result } = await session.post('Profiler.takePreciseCoverage')
    return result.flatMap(({ scriptId, url, functions }) => {
      const ran = functions.filter(({ ranges: [{ count }] }) => count > 0)
      return ran.length > 0 && url.startsWith('file:') ? [{ scriptId, url, functions: ran }] : []
    })
  },

  // A breakpoint whose condition is false never pauses, but evaluates the condition, which records the execution.
  async watchOrder({ scripts }) {
    await session.post('Debugger.enable')
    globalThis.recordExecution = (index) => {
      const { url } = scripts[index]
      if (!order.includes(url)) order.push(url)
      return false
    }
    for (const [index, { scriptId, url, functions }] of scripts.entries()) {
      const positionAt = findPositions(readFileSync(new URL(url), 'utf8'))
      for (const { ranges } of functions) {
        const [{ startOffset, endOffset }] = ranges
        // Starts after the function's first character, because a breakpoint there belongs to the code around it.
        const { locations } = await session.post('Debugger.getPossibleBreakpoints', {
          start: { scriptId, ...positionAt(startOffset + 1) },
          end: { scriptId, ...positionAt(endOffset) },
        })
        if (locations.length === 0) continue
        // Two functions may share a location: the first breakpoint there is enough.
        await session
          .post('Debugger.setBreakpoint', { location: locations[0], condition: `recordExecution(${index})` })
          .catch(() => {})
      }
    }
    // Functions that ran until now have nothing to do with the request.
    order.length = 0
  },

  async takeOrder() {
    return order
  },
}

function findPositions(source) {
  const starts = [0]
  for (const { index } of source.matchAll(/\n/g)) starts.push(index + 1)
  return (offset) => {
    const lineNumber = starts.findLastIndex((start) => start <= offset)
    return { lineNumber, columnNumber: offset - starts[lineNumber] }
  }
}

process.on('message', async ({ command, ...options }) => {
  process.send((await commands[command](options)) ?? null)
})
// IPC must not keep the process alive.
process.channel.unref()
