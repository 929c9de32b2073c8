// `npm run docs:collection` writes the Postman collection from the OpenAPI document of the service.
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createLogger } from '../../examples/social-api/platform/logging.ts'
import { buildApp } from '../../examples/social-api/src/app.ts'
import { readConfig } from '../../examples/social-api/src/config.ts'
import type { OpenApi } from '../../test-support/document.ts'
import { COLLECTION, createCollection } from './collection.ts'

// The document needs no database, so nothing connects to this one.
const config = readConfig({
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://127.0.0.1:1/none',
  JWT_SECRET: randomBytes(48).toString('base64url'),
})
const app = await buildApp({
  ...config,
  databaseUrl: config.databaseUrl ?? '',
  jwtSecret: config.jwtSecret ?? '',
  hasDemoData: false,
  behindTls: false,
  loggerInstance: createLogger({ level: 'silent' }),
})
await app.ready()
const document = JSON.parse(JSON.stringify(app.swagger())) as OpenApi
await writeFile(COLLECTION, `${JSON.stringify(createCollection(document), undefined, 2)}\n`)
await app.close()
