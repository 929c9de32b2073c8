import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

const EVERY_MS = 50

/**
 * Lets a server close once its requests are answered. By itself Node waits for sockets that are kept alive after
 * an answer that was under way, and for those on which nothing was ever asked, until their clients or its own
 * time limits (a minute and more) end them; the pool would stay open as long.
 */
export function closeUnusedSockets(app: FastifyInstance): void {
  const server = app.server as Server
  const sockets = new Set<Socket>()
  let timer: NodeJS.Timeout | undefined
  const close = (): void => {
    server.closeIdleConnections?.()
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  app.addHook('preClose', async () => {
    close()
    timer = setInterval(close, EVERY_MS)
  })
  app.addHook('onClose', async () => clearInterval(timer))
}
