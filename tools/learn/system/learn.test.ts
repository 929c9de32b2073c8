import t, { type Test } from 'tap'
import { Checkout } from './checkout.ts'
import type { Terminal } from './terminal.ts'

t.jobs = 2

/** Goes to a chapter by the list. */
async function goTo(terminal: Terminal, chapter: string, title: string): Promise<void> {
  await terminal.press('l')
  await terminal.shows('enter open')
  for (let line = 1; line < Number(chapter); line += 1) await terminal.press('Down')
  await terminal.shows(new RegExp(`^> . ${chapter} `, 'm'))
  await terminal.press('Enter')
  await terminal.shows(`${chapter} · ${title}`)
}

async function quits(t: Test, terminal: Terminal, key = 'q'): Promise<string> {
  await terminal.press(key)
  const text = await terminal.shows('exit code 0')
  t.notMatch(text, /\n {4}at /, 'no stack trace')
  return text
}

t.test('a learner does three chapters, quits, and goes on another day', async (t) => {
  const checkout = new Checkout(t)
  const terminal = await checkout.learn(t)
  await terminal.shows('01 · Run, reload and log')
  await terminal.shows('Stuck? h gives a hint')
  await goTo(terminal, '07', 'Inside a JSON Web Token')
  await terminal.shows('issueToken() is not implemented yet')

  await checkout.take('07', 'bad/readable-email', 'token.ts')
  const wrong = await terminal.shows('The user’s email can be read in the claim `email`.')
  t.match(wrong, /✗ the payload contains nothing else about the user/)
  t.notMatch(wrong, 'Hint 1', 'a hint comes on demand')
  await terminal.press('h')
  await terminal.shows('Hint 1 of 3: Read your token as in step 1.')
  await terminal.press('h', 'h')
  await terminal.shows('Hint 3 of 3')

  await checkout.take('07', 'solution', 'token.ts')
  const right = await terminal.shows('Done: all checks pass.')
  t.notMatch(right, 'Hint')
  t.match(right, '1 of 17 chapters done')
  await terminal.press('n')
  await terminal.shows('08 · Detect a changed token')
  await terminal.shows('The function is not implemented yet')
  await checkout.take('08', 'solution', 'reason.ts')
  await terminal.shows('2 of 17 chapters done')

  await terminal.press('n')
  await terminal.shows('09 · Verify a password')
  await terminal.shows(/✗ .*\n/)
  await checkout.take('09', 'solution', 'login.ts')
  await terminal.shows('3 of 17 chapters done')

  const pid = checkout.postgresPid()
  t.ok(pid, 'Postgres runs')
  process.kill(pid as number, 'SIGKILL')
  await terminal.shows('Postgres has stopped. The next check starts it again: save, or press r.')
  await checkout.take('09', 'bad/json-only', 'login.ts')
  t.match(await terminal.shows('The login of Swagger UI got status 415'), '2 of 17 chapters done')
  await checkout.take('09', 'solution', 'login.ts')
  await terminal.shows('3 of 17 chapters done')

  t.match(
    await quits(t, terminal),
    /3 of 17 done\. `npm run learn` goes on with 10 · A clean log without secrets\./,
  )
  t.same(checkout.processes(), [], 'nothing is left running')
  t.equal(checkout.postgresPid(), undefined, 'nor Postgres')

  const again = await checkout.learn(t)
  t.match(await again.shows('10 · A clean log without secrets'), '3 of 17 chapters done')
  await quits(t, again, 'C-c')
  t.same(checkout.processes(), [], 'nothing is left running after Ctrl-C')
})

t.test('whatever is saved, the learner is told what is wrong and where', async (t) => {
  const checkout = new Checkout(t)
  const right = await checkout.read('08', 'solution', 'reason.ts')
  await checkout.take('08', 'solution', 'reason.ts')
  await checkout.leftOffAt('08')
  const terminal = await checkout.learn(t, '', { rows: 40 })
  await terminal.shows('08 · Detect a changed token')
  await terminal.shows('Done: all checks pass.')

  // A file that is half written.
  const cut = right.slice(0, right.lastIndexOf('}'))
  await checkout.save('08', 'reason.ts', cut)
  const broken = await terminal.shows('Syntax error: ')
  t.match(broken, /exercise\/reason\.ts cannot be run/)
  t.match(broken, /^> *\d+ \|.*\n +\^$/m, 'the line, with a mark')

  await checkout.save('08', 'reason.ts', `${right}\nthrow new Error('thrown at import')\n`)
  const thrown = await terminal.shows('Error: thrown at import')
  t.match(thrown, /> \d+ \| throw new Error\('thrown at import'\)/)

  await checkout.save(
    '08',
    'reason.ts',
    `${right}\nconsole.log('ok 1 - hello')\nconst n: number = 'text'\nvoid n\n`,
  )
  const printed = await terminal.shows(/TypeScript: Type 'string' is not assignable to type 'number'/)
  t.match(printed, /It printed:\n│ ok 1 - hello\n/)
  t.match(printed, /> \d+ \| const n: number = 'text'/)
  t.match(printed, 'Done: all checks pass.', 'types and prints change no verdict')

  // A loop without an end, mended while its check runs.
  await checkout.save('08', 'reason.ts', 'while (true) {}\nexport const createReasonFor = 1\n')
  await terminal.shows(/▸ Checking…/)
  await checkout.take('08', 'solution', 'reason.ts')
  await terminal.shows('Done: all checks pass.')

  await checkout.delete('08', 'reason.ts')
  await terminal.shows('exercise/reason.ts is not there. x puts the exercise back')
  await terminal.press('x')
  await terminal.shows('y yes')
  await terminal.press('y')
  await terminal.shows('The function is not implemented yet')
  t.equal(
    await checkout.read('08', 'exercise', 'reason.ts'),
    await checkout.read('08', 'exercise', 'reason.ts'),
  )

  // What they have written is theirs.
  await checkout.save('08', 'reason.ts', `${right}\n// mine\n`)
  await terminal.shows('Done: all checks pass.')
  await terminal.press('x')
  await terminal.shows('y yes')
  await terminal.press('n')
  await terminal.shows('Nothing has been changed.')
  t.match(await checkout.read('08', 'exercise', 'reason.ts'), '// mine')
  await terminal.press('s')
  await terminal.shows('y put it into exercise/')
  await terminal.press('y')
  const kept = await terminal.shows(/The solution is in exercise\/ now\./)
  const [, backup = ''] = /kept in\s+(\S+)\.\s/.exec(kept.replaceAll(/\s+/g, ' ')) ?? []
  t.match(await checkout.read('08', backup.replace(/.*\/(?=\.backups)/, ''), 'reason.ts'), '// mine')

  await terminal.resize(40, 16)
  await terminal.shows('more lines above')
  for (const line of (await terminal.text()).split('\n')) t.ok([...line].length <= 40, 'it fits')
  await quits(t, terminal)
})

t.test('two learners on one machine, and two terminals of one learner', async (t) => {
  const [ada, bob] = [new Checkout(t), new Checkout(t)]
  for (const checkout of [ada, bob]) await checkout.leftOffAt('14')
  const terminals = [await ada.learn(t), await ada.learn(t), await bob.learn(t)] as const
  for (const terminal of terminals) await terminal.shows('14 · CORS')
  for (const terminal of terminals) await terminal.shows(/✗ .*\n/)
  await ada.take('14', 'solution', 'app.ts')
  for (const terminal of terminals.slice(0, 2)) await terminal.shows('1 of 17 chapters done')
  await bob.take('14', 'bad/any-origin', 'app.ts')
  t.match(await terminals[2].shows('A page of https://stranger.example'), '0 of 17 chapters done')
  await quits(t, terminals[0])
  for (const terminal of terminals.slice(1)) await terminal.close()
  for (const checkout of [ada, bob]) t.same(await checkout.remains(), [], 'also after closing the window')
})

t.test('without a screen to draw on, lines come one after the other', async (t) => {
  const checkout = new Checkout(t)
  await checkout.leftOffAt('14')
  const terminal = await checkout.learn(t, '-- --manual', { term: 'dumb' })
  await terminal.shows('Stuck? h gives a hint')
  await checkout.take('14', 'solution', 'app.ts')
  await terminal.press('h')
  await terminal.shows('Hint 1 of 3')
  await terminal.press('r')
  await terminal.shows('1 of 17 chapters done')
  await terminal.press('C-c')
  const text = await terminal.shows('exit code 0', { history: true })
  t.equal(text.match(/✗/g)?.length, 1, 'with --manual nothing is checked at a save')
  t.equal(text.match(/Done: all checks pass/g)?.length, 1, 'but with r')
})

t.test('where no key can come, there is one verdict', async (t) => {
  const checkout = new Checkout(t)
  await checkout.leftOffAt('14')
  const terminal = await checkout.learn(t, '< /dev/null | cat')
  const text = await terminal.shows('exit code 0', { history: true })
  t.match(text, /14 · CORS[\s\S]*✗[\s\S]*0 of 17 done/)
})

t.test('who has done all chapters is told what comes next', async (t) => {
  const checkout = new Checkout(t)
  await checkout.hasDoneAll()
  const terminal = await checkout.learn(t)
  const text = await terminal.shows('All chapters are done.')
  t.match(text, /What comes next:[\s\S]*npm start[\s\S]*17 of 17 chapters done/)
  await quits(t, terminal)
})
