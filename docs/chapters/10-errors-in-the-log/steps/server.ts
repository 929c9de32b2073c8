import { start } from '../solution/start.ts'

// #region server
await start({ port: Number(process.env.PORT ?? 3000) })
// #endregion
