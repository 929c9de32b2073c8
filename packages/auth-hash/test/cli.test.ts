import { spawn } from 'node:child_process'
import { PassThrough, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import bcrypt from 'bcrypt'
import t from 'tap'
import { main } from '../src/cli/main.ts'
import { ARGON2_VECTORS } from './vectors.ts'

const KNOWN = '$2b$05$CCCCCCCCCCCCCCCCCCCCC.nOuSbjL5F2OF3gGGCewLeZYk8mdGqQ6' // of café

/** What a command wrote. */
function sink() {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  return { stream, text: () => text }
}

/** Runs a command with its standard input from a pipe. */
async function run(args: string[], input: string | Buffer = '') {
  const stdin = new PassThrough()
  stdin.end(input)
  const [out, err] = [sink(), sink()]
  const exitCode = await main(args, { stdin, stdout: out.stream, stderr: err.stream })
  return { exitCode, out: out.text(), err: err.text() }
}

/** Runs a command at a terminal, typing each answer once its question is there. */
async function type(args: string[], answers: Record<string, string>) {
  const raw: boolean[] = []
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (mode: boolean) => void raw.push(mode),
  })
  const out = sink()
  let shown = ''
  const stderr = new Writable({
    write(chunk, _encoding, done) {
      shown += String(chunk)
      const answer = answers[String(chunk)]
      if (answer !== undefined) setImmediate(() => stdin.write(answer))
      done()
    },
  })
  const exitCode = await main(args, { stdin, stdout: out.stream, stderr })
  return { exitCode, out: out.text(), shown, raw }
}

t.test('hash reads the password from standard input', async (t) => {
  for (const input of ['pw', 'pw\n', 'pw\r\n']) {
    const { exitCode, out, err } = await run(['hash', '--cost', '10'], input)
    t.match({ exitCode, err }, { exitCode: 0, err: '' })
    t.match(out, /^\$2b\$10\$/)
    t.equal(await bcrypt.compare('pw', out.trim()), true)
  }
  t.match(
    (await run(['hash', '--cost=10', '--scheme=bcrypt-sha256'], 'a'.repeat(80))).out,
    /^\$bcrypt-sha256\$/,
  )
})

t.test('hash takes no password from the arguments, and does not repeat one', async (t) => {
  for (const args of [
    ['hash', 'hunter2'],
    ['hash', '--hunter2'],
    ['hunter2'],
    ['hash', '--cost', 'hunter2'],
  ]) {
    const { exitCode, out, err } = await run(args, 'pw\n')
    t.equal(exitCode, 2)
    t.equal(out, '')
    t.match(err, /^Expected .+\n$/)
    t.notMatch(err, 'hunter2')
  }
})

t.test('hash says what is wrong with a password', async (t) => {
  const { exitCode, out, err } = await run(['hash', '--cost=10'], 'a'.repeat(73))
  t.match({ exitCode, out }, { exitCode: 1, out: '' })
  t.match(err, /at most 72 bytes/)
  t.match(await run(['hash', '--cost=9'], 'pw'), { exitCode: 2, err: /`cost`/ })
  t.match(await run(['hash', '--scheme=md5'], 'pw'), { exitCode: 2, err: /`scheme`/ })
})

t.test('nothing is no password', async (t) => {
  t.match(await run(['hash', '--cost=10'], ''), { exitCode: 2, out: '', err: /another line/ })
})

t.test('takes lines however they arrive', async (t) => {
  const stdin = new PassThrough()
  const [out, err] = [sink(), sink()]
  const exit = main(['verify'], { stdin, stdout: out.stream, stderr: err.stream })
  const bytes = Buffer.from(`${KNOWN}\r\ncafé\nand more`)
  for (const byte of bytes) stdin.write(Buffer.of(byte))
  t.equal(await exit, 0)
})

t.test('input that is no UTF-8 is refused, not replaced', async (t) => {
  const latin1 = Buffer.from('café', 'latin1')
  t.match(await run(['hash', '--cost=10'], latin1), {
    exitCode: 2,
    err: 'Expected standard input to be UTF-8\n',
  })
})

t.test('verify tells right from wrong by its exit code', async (t) => {
  t.match(await run(['verify', KNOWN], 'café\n'), { exitCode: 0, out: 'right, and due for a better hash\n' })
  const today = await bcrypt.hash('café', 12)
  t.match(await run(['verify', today], 'café\n'), { exitCode: 0, out: 'right\n' })
  t.match(await run(['verify', KNOWN], 'cafe\n'), { exitCode: 1, out: '', err: 'wrong-password\n' })
  t.match(await run(['verify', 'garbage'], 'cafe\n'), { exitCode: 1, err: 'malformed-hash\n' })
})

t.test('verify reads the hash too where it is not given', async (t) => {
  t.match(await run(['verify'], `${KNOWN}\ncafé\n`), { exitCode: 0 })
  t.match(await run(['verify'], `${KNOWN}\n`), { exitCode: 2, err: /another line/ })
  t.match(await run(['verify', KNOWN, 'café']), { exitCode: 2, err: 'Expected one hash and no more\n' })
})

t.test('explain takes a hash apart', async (t) => {
  const { exitCode, out } = await run(['explain', KNOWN])
  t.equal(exitCode, 0)
  t.match(out, /^cost {9}5$/m)
  t.match(out, /^keyId {8}none$/m)
  t.match(await run(['explain'], KNOWN), { exitCode: 0, out })
  t.match(await run(['explain', 'hunter2']), { exitCode: 1, out: '', err: /^Expected a hash/ })
})

t.test('explain names another scheme, and needs no bcrypt', async (t) => {
  const { exitCode, err } = await run(['explain', '$pbkdf2-sha256$29000$hunter2$x'])
  t.equal(exitCode, 1)
  t.match(err, /one of PBKDF2/)
  t.notMatch(err, 'hunter2')
  t.match((await run(['explain', ARGON2_VECTORS.php[0]])).out, /^memory {7}65536$/m)
})

t.test('an option of another command is a mistake', async (t) => {
  for (const [args, message] of [
    [['explain', KNOWN, '--cost=10'], 'Expected no --cost with explain; see --help\n'],
    [['verify', KNOWN, '--scheme', 'bcrypt'], 'Expected no --scheme with verify; see --help\n'],
    [['hash', '--target=1s'], 'Expected no --target with hash; see --help\n'],
    [['hash', '--scheme=argon2id', '--cost=10'], 'Expected no --cost with --scheme argon2id\n'],
  ] as const) {
    t.match(await run([...args], 'café\n'), { exitCode: 2, out: '', err: message })
  }
})

t.test('calibrate prints a cost', async (t) => {
  t.match(await run(['calibrate', '--target', '1ms']), { exitCode: 0, out: '10\n' })
  t.match(await run(['calibrate', '--target=999999s']), { exitCode: 0, out: '15\n' })
  for (const args of [['--target', '250'], ['--target', 'ms'], ['--target=1h'], ['250ms'], ['--target']]) {
    t.match(await run(['calibrate', ...args]), { exitCode: 2, out: '' })
  }
})

t.test('--help is an answer; no command, or an unknown one, is a mistake', async (t) => {
  for (const args of [['--help'], ['-h'], ['hash', '--help']]) {
    t.match(await run(args), { exitCode: 0, out: /^Usage: npx @auth-primer\/auth-hash <command>/, err: '' })
  }
  for (const args of [[], ['encrypt'], ['toString']]) {
    t.match(await run(args), { exitCode: 2, out: '', err: 'Expected a command; see --help\n' })
  }
})

t.test('at a terminal the password is asked for twice and not shown', async (t) => {
  const { exitCode, out, shown, raw } = await type(['hash', '--cost=10'], {
    'Password: ': 'hunter2\r',
    'Once more: ': 'hunter2\r',
  })
  t.equal(exitCode, 0)
  t.equal(await bcrypt.compare('hunter2', out.trim()), true)
  t.equal(shown, 'Password: \nOnce more: \n')
  t.strictSame(raw, [true, false, true, false], 'the terminal itself shows nothing either, and is set back')
})

t.test('two passwords that differ are not hashed', async (t) => {
  const { exitCode, out, shown } = await type(['hash'], { 'Password: ': 'one\r', 'Once more: ': 'two\r' })
  t.match({ exitCode, out }, { exitCode: 1, out: '' })
  t.match(shown, /The two passwords differ\n$/)
})

t.test('at a terminal the hash is shown while it is typed, and the password is not', async (t) => {
  const { exitCode, shown } = await type(['verify'], { 'Hash: ': `${KNOWN}\r`, 'Password: ': 'café\r' })
  t.equal(exitCode, 0)
  t.ok(shown.includes(KNOWN))
  t.notMatch(shown, 'café')
})

t.test('Ctrl-C and Ctrl-D end the question', async (t) => {
  t.match(await type(['hash'], { 'Password: ': 'ab\u0003' }), { exitCode: 130, out: '' })
  t.match(await type(['hash'], { 'Password: ': '\u0004' }), {
    exitCode: 2,
    out: '',
    shown: /Nothing was typed\n$/,
  })
})

t.test('a fault of the machine’s is thrown, not told as the user’s', async (t) => {
  const stdin = new PassThrough()
  stdin.destroy(new Error('the disk is gone'))
  const { stream } = sink()
  await t.rejects(main(['hash'], { stdin, stdout: stream, stderr: stream }), { message: 'the disk is gone' })
})

t.test('runs as a command, and ends though its standard input does not', async (t) => {
  const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, cli, 'verify', KNOWN], { stdio: 'pipe' })
  t.teardown(() => child.stdin.destroy())
  child.stdin.write('cafe\n')
  const exitCode = await new Promise((resolve) => child.on('close', resolve))
  t.equal(exitCode, 1)
})
