import { resolve } from 'node:path'
import type { Test } from 'tap'
import { CHECKOUT } from '../../../test-support/process.ts'

/**
 * The tests that check the HTTP contract from outside, with nothing but HTTP and the database. Not `bad-input`,
 * `differences`, `property` and `client`: nginx itself rejects some of their requests.
 */
export const CONTRACT = ['flow', 'tokens', 'refresh', 'password', 'validation', 'authorization']

export interface Target {
  url: string
  databaseUrl: string
  /** The certificate that the tests trust. */
  certificateFile: string
}

/** Runs these tests against a service that is running. */
export function runContract(t: Test, names: readonly string[], at: Target): Promise<unknown> {
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
