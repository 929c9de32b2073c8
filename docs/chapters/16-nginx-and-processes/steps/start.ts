import { resolve } from 'node:path'
import { freePort, startProgram, TYPESCRIPT } from '../../../check/program.ts'
import { hasNginx, NO_NGINX, startNginx } from '../nginx.ts'

// Runs two processes of a folder's `server.ts` behind its `nginx.conf`, until a signal stops them.
const folder = resolve(process.argv[2] ?? 'exercise')
// A terminal may send the signal more than once.
const stopped = new Promise<void>((stop) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop())
})
if (!(await hasNginx())) throw new Error(NO_NGINX)

const ports = [await freePort(), await freePort()] as const
const programs = await Promise.all(
  ports.map((port) =>
    startProgram([...TYPESCRIPT, resolve(folder, 'server.ts')], { env: { PORT: `${port}` } }),
  ),
)
try {
  await Promise.all(
    programs.map((program, one) => program.waitForResponse(`http://127.0.0.1:${ports[one]}/`)),
  )
  const listen = { address: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }
  programs.push(await startNginx(resolve(folder, 'nginx.conf'), listen, ports))
  console.log(`nginx is at http://127.0.0.1:${listen.port}, with two processes behind it`)
  await stopped
} finally {
  await Promise.all(programs.map(({ end }) => end()))
}
