import { resolve } from 'node:path'
import type { Test } from 'tap'
import { CHECKOUT } from '../../../test-support/process.ts'

/**
 * The tests of the HTTP contract that ask over HTTP, and look into nothing but the database. `bad-input`, `differences`,
 * `property` and `client` are not among them: some of what they send is refused by nginx itself.
 */
export const CONTRACT = [
  'flow',
  'tokens',
  'refresh',
  'password',
  'validation',
  'race',
  'authorization',
  'interop',
]

export interface Where {
  url: string
  databaseUrl: string
  /** Whom the tests trust. */
  certificateFile: string
}

/** Runs them against a service that is there already. */
export function runContract(t: Test, names: readonly string[], at: Where): Promise<unknown> {
  const files = names.map((name) => resolve(CHECKOUT, `examples/social-api/test/${name}.test.ts`))
  const program = 'for (const file of process.argv.slice(1)) await import(file)'
  const args = ['--import', 'tsx', '--input-type=module', '-e', program, ...files]
  const env = {
    ...process.env,
    CONTRACT_URL: at.url,
    CONTRACT_DATABASE_URL: at.databaseUrl,
    NODE_EXTRA_CA_CERTS: at.certificateFile,
  }
  return t.spawn(process.execPath, args, { cwd: CHECKOUT, env }, names.join(', '))
}
