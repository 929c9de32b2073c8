import { start } from '../solution/start.ts'

// #region broken
const selfTest = () => Promise.reject(new Error('bcrypt gives another answer than the known one'))

await start({ selfTest }).catch((error) => {
  console.error(`Not started: ${error.message}`)
  process.exitCode = 1
})
// #endregion
