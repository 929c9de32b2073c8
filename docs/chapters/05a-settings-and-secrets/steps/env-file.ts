import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'settings-'))
const file = join(folder, '.env')

// #region env-file
writeFileSync(file, `LOG_LEVEL=debug\nJWT_SECRET=${randomBytes(32).toString('base64url')}\n`)
process.loadEnvFile(file)
console.log(process.env.LOG_LEVEL, process.env.JWT_SECRET?.length)
// #endregion

rmSync(folder, { recursive: true })
