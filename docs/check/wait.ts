import { once } from 'node:events'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import './chapter.ts'
import 'fastify'

// Has loaded what most checks need, which is half of the time that a small one takes, and waits to be told which one to run.
const isForgotten = () => process.exit()
process.once('disconnect', isForgotten)
process.channel?.ref()
const [{ check, env }] = await once(process, 'message')
process.off('disconnect', isForgotten)
Object.assign(process.env, env)
process.chdir(dirname(check))
await import(pathToFileURL(check).href)
