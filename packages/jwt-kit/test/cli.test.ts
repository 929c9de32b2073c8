import { spawnSync } from 'node:child_process'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { HELP, run } from '../src/cli.ts'
import { ALGORITHMS, keyring } from '../src/index.ts'
import { CLAIMS, makeKit, OTHER_SECRET, privateKeys, SECRET } from './support.ts'

const { kit, clock } = makeKit()
const token = kit.access.sign(CLAIMS)

async function call(args: string[], stdin = '', files: Record<string, string> = {}) {
  const out = { code: -1, stdout: '', stderr: '' }
  out.code = await run(args, {
    stdin: async () => stdin,
    readFile: async (name) => {
      if (files[name] === undefined) throw new Error('ENOENT')
      return files[name]
    },
    stdout: (text) => {
      out.stdout += text
    },
    stderr: (text) => {
      out.stderr += text
    },
    now: clock.now,
  })
  return out
}

t.test('explains a token from the argument, and from standard input', async (t) => {
  const one = await call(['explain', token])
  t.match(one, { code: 0, stderr: '', stdout: /role = "user"/ })
  t.match(one.stdout, /not encrypted/)
  t.match(one.stdout, /VERDICT: not known/)
  t.same(await call(['explain'], `${token}\n`), one)
})

t.test('compares it with the original, and gives data', async (t) => {
  const { stdout } = await call(['explain', kit.refresh.sign({ sub: '8' }), '--original', token])
  t.match(stdout, /sub in the payload was changed from "7" to "8"/)
  t.match(JSON.parse((await call(['explain', '--json', token])).stdout), {
    parts: [{ name: 'header', start: 0 }, {}, {}],
  })
})

t.test('ends with 1 where a token cannot be read, and with 0 where it can', async (t) => {
  t.match(await call(['explain', 'abc']), { code: 1, stdout: /three parts/ })
  clock.advance('2h')
  t.match(await call(['explain', token]), { code: 0, stdout: /expired/ })
})

for (const algorithm of ALGORITHMS) {
  t.test(`${algorithm}: makes a key that a ring takes`, async (t) => {
    const { code, stdout, stderr } = await call(['keygen', '--alg', algorithm])
    t.same([code, stderr], [0, ''])
    t.ok(keyring(algorithm, [{ kid: 'a', key: stdout.trim() }]))
  })
}

t.test('makes another key each time', async (t) => {
  for (const algorithm of ['HS512', 'ES384', 'Ed25519']) {
    const keys = [await call(['keygen', '--alg', algorithm]), await call(['keygen', '--alg', algorithm])]
    t.not(keys[0]?.stdout, keys[1]?.stdout)
  }
})

t.test('prints the public halves of keys, and no private one', async (t) => {
  const pem = privateKeys.ES256.export({ type: 'pkcs8', format: 'pem' }) as string
  const half = createPublicKey(createPrivateKey(pem))
  const files = { 'new.pem': pem, 'old.pem': half.export({ type: 'spki', format: 'pem' }) as string }
  const { code, stdout } = await call(
    ['jwks', '--alg', 'ES256', '2026-11=new.pem', '2026-10=old.pem'],
    '',
    files,
  )
  t.equal(code, 0)
  const expected = { ...half.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }
  t.same(JSON.parse(stdout), {
    keys: [
      { ...expected, kid: '2026-11' },
      { ...expected, kid: '2026-10' },
    ],
  })
  t.notOk(stdout.includes('"d"'))
  t.same(JSON.parse((await call(['jwks', '--alg', 'ES256', 'a=-'], pem)).stdout), {
    keys: [{ ...expected, kid: 'a' }],
  })
})

t.test('does not print a key that is not fit', async (t) => {
  const pem = privateKeys.ES256.export({ type: 'pkcs8', format: 'pem' }) as string
  const { code, stdout, stderr } = await call(['jwks', '--alg', 'RS256', 'a=-'], pem)
  t.same([code, stdout], [1, ''])
  t.match(stderr, /^jwt-kit: The key a is not a sound RSA key/)
  t.notOk(stderr.includes(pem.split('\n')[1] as string))
  const secrets = await call(['jwks', '--alg', 'HS256', 'a=s', 'b=t'], '', { s: SECRET, t: OTHER_SECRET })
  t.same([secrets.code, JSON.parse(secrets.stdout)], [0, { keys: [] }])
})

t.test('helps', async (t) => {
  for (const args of [['--help'], ['-h'], ['explain', '--help']])
    t.same(await call(args), { code: 0, stdout: HELP, stderr: '' })
})

t.test('ends with 2 where the command is not understood, and says so on standard error', async (t) => {
  for (const args of [
    [],
    ['sign'],
    ['explain'],
    ['explain', 'a', 'b'],
    ['--nope'],
    ['explain', '--original'],
    ['keygen'],
    ['keygen', '--alg', 'none'],
    ['keygen', '--alg', 'HS256', 'x'],
    ['jwks', '--alg', 'ES256'],
    ['jwks', '--alg', 'ES256', 'a'],
    ['jwks', '--alg', 'ES256', 'a=missing.pem'],
    ['jwks', 'a=-'],
  ]) {
    t.match(await call(args), { code: 2, stdout: '', stderr: /^jwt-kit: .+ Try --help\.\n$/ }, args.join(' '))
  }
})

t.test('lets a mistake of its own through', async (t) => {
  const broken = {
    stdin: async () => {
      throw new Error('broken pipe')
    },
    readFile: async () => '',
    stdout: () => {},
    stderr: () => {},
    now: Date.now,
  }
  await t.rejects(run(['explain'], broken), /broken pipe/)
})

t.test('is a command', async (t) => {
  const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url))
  // From Node 26 on, what loads TypeScript here uses a deprecated `module.register`. All other warnings are errors.
  const spawn = (args: string[], input = '') =>
    spawnSync(process.execPath, [...process.execArgv, '--disable-warning=DEP0205', bin, ...args], {
      encoding: 'utf8',
      input,
    })
  const pem = privateKeys.EdDSA.export({ type: 'pkcs8', format: 'pem' }) as string
  const file = path.join(t.testdir({ 'key.pem': pem }), 'key.pem')
  const set = spawn(['jwks', '--alg', 'EdDSA', `a=${file}`])
  t.match([set.status, set.stderr], [0, ''])
  t.match(JSON.parse(set.stdout), { keys: [{ kty: 'OKP', kid: 'a' }] })
  t.match(spawn(['explain'], token), { status: 0, stdout: /HEADER/ })
  t.match(spawn(['nope']), { status: 2, stdout: '', stderr: /--help/ })
})
