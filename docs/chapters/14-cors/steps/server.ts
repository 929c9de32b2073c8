import { build } from '../solution/app.ts'

// #region server
const app = await build(['https://app.example.com'])
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log('ready')
// #endregion
