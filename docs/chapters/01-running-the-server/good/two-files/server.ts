import { buildApp } from './app.ts'

const { LOG_LEVEL, PORT = '3000' } = process.env

const app = buildApp(LOG_LEVEL || 'info')
await app.listen({ host: '127.0.0.1', port: Number(PORT) })
