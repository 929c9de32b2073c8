// `node --import ./tools/processes/tsx.js file.ts` runs TypeScript with the sources of the packages instead of their builds, in
// this program and in those that it starts.
import { fileURLToPath } from 'node:url'

process.env.TSX_TSCONFIG_PATH = fileURLToPath(new URL('../../tsconfig.dev.json', import.meta.url))
await import('tsx')
