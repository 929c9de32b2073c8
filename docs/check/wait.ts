import { once } from 'node:events'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import './chapter.ts'

// A process that `npm run learn` starts ahead of time. It loads what most checks need, which takes most of the time of a
// short check, and waits for the name of the check to run.
const exit = () => process.exit()
process.once('disconnect', exit)
process.channel?.ref()
const message = once(process, 'message')
await Promise.allSettled([
  import('fastify'),
  import('@fastify/type-provider-typebox'),
  import('./database.ts'),
  import('@auth-primer/auth-hash'),
  import('@auth-primer/db-session'),
  import('@auth-primer/jwt-kit'),
])
const [{ check, env }] = await message
process.off('disconnect', exit)
Object.assign(process.env, env)
process.chdir(dirname(check))
await import(pathToFileURL(check).href)
