// Strips the types of all files in one process, before the tests: in a new checkout, each test file would load the compiler.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import ts from 'typescript'
import { stripTypes } from './cache.js'

const CHECKOUT = resolve(import.meta.dirname, '../..')

for (const file of ts.sys.readDirectory(CHECKOUT, ['.ts'], ['**/node_modules', '**/dist', '**/*.d.ts']))
  await stripTypes(readFileSync(file, 'utf8'))
