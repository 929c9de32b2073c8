/** The package in a process in which bcrypt cannot be loaded. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const index = new URL('../src/index.ts', import.meta.url)
const hooks = `
export async function resolve(specifier, context, next) {
  if (specifier === 'bcrypt') throw new Error('No native build was found')
  return next(specifier, context)
}`
const register = `
import { register } from 'node:module'
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)})`

async function runWithoutBcrypt(code: string) {
  const args = [
    ...process.execArgv,
    '--import',
    `data:text/javascript,${encodeURIComponent(register)}`,
    '--input-type=module',
    '--eval',
    `import { createHasher, explain, needsRehash, selfTest } from ${JSON.stringify(index.href)}\n${code}`,
  ]
  // The paths in execArgv are relative to the checkout.
  const cwd = fileURLToPath(new URL('../../..', import.meta.url))
  return JSON.parse((await promisify(execFile)(process.execPath, args, { cwd })).stdout)
}

t.test('without bcrypt’s binary the package is imported, and explains hashes', async (t) => {
  const hash = '$2b$12$zQ4CooEXdGqcwi0PHsgc8eAf0DLXE/XHoBE8kCSGQ97rXwuClaPam'
  const result = await runWithoutBcrypt(`
    const hash = '${hash}'
    createHasher()
    console.log(JSON.stringify([explain(hash).cost, needsRehash(hash)]))`)
  t.strictSame(result, [12, false])
})

t.test('without bcrypt’s binary whatever needs it rejects, and the error says what is wrong', async (t) => {
  const results = await runWithoutBcrypt(`
    const hasher = createHasher()
    const calls = [
      hasher.hash('pw'),
      hasher.verify({ password: 'pw', hash: null }),
      selfTest(),
      hasher.hash('pw'),
    ].map((call) => call.catch(({ code, message, statusCode, cause }) => ({ code, message, statusCode, cause: cause.message })))
    console.log(JSON.stringify(await Promise.all(calls)))`)
  t.equal(results.length, 4)
  for (const error of results) {
    t.match(error, {
      code: 'AUTH_HASH_BCRYPT_UNAVAILABLE',
      message: /bcrypt.*binary for \w+ on \w+/,
      statusCode: 500,
      cause: /No native build/,
    })
  }
})
