#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { run } from './cli.ts'

process.exitCode = await run(process.argv.slice(2), {
  stdin: () => text(process.stdin),
  readFile: (path) => readFile(path, 'utf8'),
  stdout: (output) => process.stdout.write(output),
  stderr: (output) => process.stderr.write(output),
  now: Date.now,
})
