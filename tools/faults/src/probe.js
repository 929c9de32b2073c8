// Loaded into the service before it starts (`--import`). Reports its resource usage over IPC, after a garbage collection
// (`--expose-gc`).
import { readdirSync } from 'node:fs'

process.on('message', () => {
  globalThis.gc()
  // The finalizers of the first collection may free more.
  setImmediate(() => {
    globalThis.gc()
    const { heapUsed, external, rss } = process.memoryUsage()
    const resources = process.getActiveResourcesInfo()
    process.send({
      heapUsed,
      external,
      rss,
      handles: resources.length,
      files: readdirSync('/proc/self/fd').length,
    })
  })
})
// IPC must not keep the process alive.
process.channel.unref()
