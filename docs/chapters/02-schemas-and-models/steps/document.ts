import knexModule from 'knex'
import { buildApp } from '../solution/app.ts'

// No request is sent, so no database is needed.
const app = await buildApp(knexModule({ client: 'pg' }))

// #region document
await app.ready()
const { paths } = JSON.parse(JSON.stringify(app.swagger()))
const { requestBody, responses } = paths['/users'].post
console.log('body:        ', Object.keys(requestBody.content['application/json'].schema.properties))
console.log('response 201:', Object.keys(responses[201].content['application/json'].schema.properties))
// #endregion
