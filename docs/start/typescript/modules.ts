// #region imports
import { basename } from 'node:path'
import Fastify from 'fastify'
import { type Greeting, greet } from './greeting.ts'

const french: Greeting = { text: 'Bonjour', language: 'fr' }

console.log(greet('Ada'), greet('Bob', french))
console.log(basename(import.meta.url), typeof Fastify)
// #endregion
