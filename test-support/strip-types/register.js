// `node --import ./test-support/strip-types/register.js file.ts` runs TypeScript.
import { register } from 'node:module'

register('./hooks.js', import.meta.url)
