// Loaded into the service before it starts (`--import`), to be asked over the channel of its parent process.
// Garbage is collected first (`--expose-gc`): what is left is what the service holds on to.
import { readdirSync } from 'node:fs'

process.on('message', () => {
  globalThis.gc()
  // What the first round lets go of may hold more.
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
// It is no reason to live on.
process.channel.unref()
