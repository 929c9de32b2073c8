// Hooks of Node's module loader: the stripped text of a TypeScript file is read from the cache.
import { stripTypes } from './cache.js'

export async function load(url, context, nextLoad) {
  if (!/\.m?ts(\?|$)/.test(url)) return nextLoad(url, context)
  const { source } = await nextLoad(url, { ...context, format: 'module' })
  return { format: 'module', shortCircuit: true, source: await stripTypes(source.toString()) }
}
