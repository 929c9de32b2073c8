import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { CHECKOUT, type Scope } from './process.ts'

/**
 * Copies the repository's files to a temporary folder, with links to the installed dependencies, and deletes it at the end.
 * Nothing is built there, as in a fresh checkout after `npm install`. Returns the folder.
 */
export function copyCheckout(scope: Scope, isNeeded: (file: string) => boolean = () => true): string {
  const dir = mkdtempSync(join(tmpdir(), 'checkout-'))
  scope.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: CHECKOUT,
    encoding: 'utf8',
  })
  for (const file of files.trim().split('\n').filter(isNeeded)) {
    if (!existsSync(join(CHECKOUT, file))) continue
    mkdirSync(dirname(join(dir, file)), { recursive: true })
    copyFileSync(join(CHECKOUT, file), join(dir, file))
  }
  linkDependencies(dir)
  return dir
}

/** Links the dependencies and the workspaces, as `npm install` does. */
function linkDependencies(dir: string): void {
  const [from, to] = [join(CHECKOUT, 'node_modules'), join(dir, 'node_modules')]
  mkdirSync(join(to, '@auth-primer'), { recursive: true })
  for (const name of readdirSync(from))
    if (name !== '@auth-primer') symlinkSync(join(from, name), join(to, name))
  for (const name of readdirSync(join(from, '@auth-primer'))) {
    const workspace = relative(CHECKOUT, realpathSync(join(from, '@auth-primer', name)))
    symlinkSync(join(dir, workspace), join(to, '@auth-primer', name))
    // The dependencies of which a workspace needs another version than the others.
    const own = join(CHECKOUT, workspace, 'node_modules')
    if (existsSync(own) && existsSync(join(dir, workspace)))
      symlinkSync(own, join(dir, workspace, 'node_modules'))
  }
}
