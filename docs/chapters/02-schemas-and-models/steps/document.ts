import { buildApp } from '../solution/app.ts'

const app = await buildApp({ databaseUrl: process.env.DATABASE_URL as string })

// #region document
await app.ready()
const { paths } = JSON.parse(JSON.stringify(app.swagger()))
const { requestBody, responses } = paths['/users'].post
console.log('body:        ', Object.keys(requestBody.content['application/json'].schema.properties))
console.log('response 201:', Object.keys(responses[201].content['application/json'].schema.properties))
// #endregion

await app.close()
