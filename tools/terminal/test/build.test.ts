import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'

const dir = t.testdir({
  tools: { terminal: {} },
  examples: {
    'social-api': {
      'tsconfig.json':
        '{ "compilerOptions": { "composite": true, "outDir": "dist", "lib": ["es5"], "types": [] } }',
      'index.ts': 'export const one: number = 1\n',
    },
  },
})
cpSync(resolve(import.meta.dirname, '../build.js'), join(dir, 'tools/terminal/build.js'))
writeFileSync(join(dir, 'package.json'), '{ "type": "module" }')
mkdirSync(join(dir, 'node_modules'))
const typescript = resolve(import.meta.dirname, '../../../node_modules/typescript')
symlinkSync(typescript, join(dir, 'node_modules/typescript'), 'junction')

function build() {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(dir, 'tools/terminal/build.js')], {
    encoding: 'utf8',
  })
  return { status, printed: stdout + stderr }
}

t.test('a build is announced, and nothing is printed if there is nothing to build', async (t) => {
  t.match(build(), { status: 0, printed: /^Building the service.*\n$/ })
  t.same(build(), { status: 0, printed: '' })
})

t.test('a wrong type does not stop a build, because only `npm run typecheck` checks types', async (t) => {
  writeFileSync(join(dir, 'examples/social-api/index.ts'), "export const one: number = 'one'\n")
  t.match(build(), { status: 0, printed: /^Building the service.*\n$/ })
  t.match(readFileSync(join(dir, 'examples/social-api/dist/index.js'), 'utf8'), "one = 'one'")
})

t.test('a build that fails prints the errors', async (t) => {
  writeFileSync(join(dir, 'examples/social-api/index.ts'), 'export const one: number =\n')
  const { status, printed } = build()
  t.not(status, 0)
  t.match(printed, /^Building the service.*\n.*index\.ts\(1,27\): error TS1109: /)
})
