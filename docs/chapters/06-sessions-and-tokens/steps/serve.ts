import { randomBytes } from 'node:crypto'

// Serves the solution, or the app named on the command line.
const { buildApp } = (await import(
  process.argv[2] ?? '../solution/app.ts'
)) as typeof import('../solution/app.ts')

const app = buildApp({ secret: process.env.JWT_SECRET ?? randomBytes(32).toString('hex') })
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log(`Listening on ${address}`)
