import { start } from '../solution/start.ts'

// #region broken
process.once('exit', (code) => console.error(`Exit code ${code}`))
const selfTest = () => Promise.reject(new Error('bcrypt does not compute the known hash'))

await start({ selfTest }).catch((error) => {
  console.error(`Not started: ${error.message}`)
  process.exitCode = 1
})
// #endregion
