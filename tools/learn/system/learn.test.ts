import t, { type Test } from 'tap'
import { readChapters } from '../src/chapters.ts'
import { Checkout } from './checkout.ts'
import type { Terminal } from './terminal.ts'

t.jobs = 2

/** Opens a chapter from the list. */
async function goTo(terminal: Terminal, chapter: string, title: string): Promise<void> {
  await terminal.press('l')
  await terminal.waitFor('enter open')
  const numbers = (await readChapters()).map(({ number }) => number)
  for (let line = 0; line < numbers.indexOf(chapter); line += 1) await terminal.press('Down')
  await terminal.waitFor(new RegExp(`^> . ${chapter} `, 'm'))
  await terminal.press('Enter')
  await terminal.waitFor(`${chapter} · ${title}`)
}

async function quits(t: Test, terminal: Terminal, key = 'q'): Promise<string> {
  await terminal.press(key)
  const text = await terminal.waitFor('exit code 0')
  t.notMatch(text, /\n {4}at /, 'no stack trace')
  return text
}

t.test('a learner does three chapters, quits, and continues another day', async (t) => {
  const checkout = new Checkout(t)
  const terminal = await checkout.learn(t)
  await terminal.waitFor('01 · Run, reload and log')
  await terminal.waitFor('Stuck? Press h for a hint')
  await goTo(terminal, '07', 'Inside a JSON Web Token')
  await terminal.waitFor('The function is not implemented yet')

  await checkout.copyToExercise('07', 'bad/readable-email', 'token.ts')
  const wrong = await terminal.waitFor('The user’s email can be read in the claim `email`.')
  t.match(wrong, /✗ the payload contains nothing else about the user/)
  t.notMatch(wrong, 'Hint 1', 'a hint comes on demand')
  await terminal.press('h')
  await terminal.waitFor('Hint 1 of 3: Read your token as in step 1.')
  await terminal.press('h', 'h')
  await terminal.waitFor('Hint 3 of 3')

  await checkout.copyToExercise('07', 'solution', 'token.ts')
  const right = await terminal.waitFor('Done: all checks pass.')
  t.notMatch(right, 'Hint')
  t.match(right, /1 of \d+ chapters done/)
  await terminal.press('n')
  await terminal.waitFor('08 · Detect a changed token')
  await terminal.waitFor('The function is not implemented yet')
  await checkout.copyToExercise('08', 'solution', 'reason.ts')
  await terminal.waitFor(/2 of \d+ chapters done/)

  await terminal.press('n')
  await terminal.waitFor('09 · Verify a password')
  await terminal.waitFor(/✗ .*\n/)
  await checkout.copyToExercise('09', 'solution', 'login.ts')
  await terminal.waitFor(/3 of \d+ chapters done/)

  const pid = checkout.postgresPid()
  t.ok(pid, 'Postgres runs')
  process.kill(pid as number, 'SIGKILL')
  await terminal.waitFor('Postgres has stopped. Save or press r to start it again and check your code.')
  await checkout.copyToExercise('09', 'bad/json-only', 'login.ts')
  t.match(
    await terminal.waitFor('A login from Swagger UI must return status 200. It returned 415'),
    /2 of \d+ chapters done/,
  )
  await checkout.copyToExercise('09', 'solution', 'login.ts')
  await terminal.waitFor(/3 of \d+ chapters done/)

  t.match(
    await quits(t, terminal),
    /3 of \d+ done\. `npm run learn` continues with 10 · A clean log without secrets\./,
  )
  t.same(checkout.processes(), [], 'nothing is left running')
  t.equal(checkout.postgresPid(), undefined, 'nor Postgres')

  const again = await checkout.learn(t)
  t.match(await again.waitFor('10 · A clean log without secrets'), /3 of \d+ chapters done/)
  await quits(t, again, 'C-c')
  t.same(checkout.processes(), [], 'nothing is left running after Ctrl-C')
})

t.test('after each kind of mistake, the learner sees what is wrong and where', async (t) => {
  const checkout = new Checkout(t)
  const right = await checkout.read('08', 'solution', 'reason.ts')
  await checkout.copyToExercise('08', 'solution', 'reason.ts')
  await checkout.setLastChapter('08')
  const terminal = await checkout.learn(t, '', { rows: 40 })
  await terminal.waitFor('08 · Detect a changed token')
  await terminal.waitFor('Done: all checks pass.')

  // The file is only half written.
  const cut = right.slice(0, right.lastIndexOf('}'))
  await checkout.save('08', 'reason.ts', cut)
  const broken = await terminal.waitFor('Syntax error: ')
  t.match(broken, /exercise\/reason\.ts cannot be run/)
  t.match(broken, /^> *\d+ \|.*\n +\^$/m, 'the line, with a mark')

  await checkout.save('08', 'reason.ts', `${right}\nthrow new Error('thrown at import')\n`)
  const thrown = await terminal.waitFor('Error: thrown at import')
  t.match(thrown, /> \d+ \| throw new Error\('thrown at import'\)/)

  await checkout.save(
    '08',
    'reason.ts',
    `${right}\nconsole.log('ok 1 - hello')\nconst n: number = 'text'\nvoid n\n`,
  )
  const printed = await terminal.waitFor(/TypeScript: Type 'string' is not assignable to type 'number'/)
  t.match(printed, /It printed:\n│ ok 1 - hello\n/)
  t.match(printed, /> \d+ \| const n: number = 'text'/)
  t.match(printed, 'Done: all checks pass.', 'type errors and output do not change the verdict')

  // An endless loop, fixed while its check runs.
  await checkout.save('08', 'reason.ts', 'while (true) {}\nexport const createReasonFor = 1\n')
  await terminal.waitFor(/▸ exercise\/reason\.ts can be imported/)
  await checkout.copyToExercise('08', 'solution', 'reason.ts')
  await terminal.waitFor('Done: all checks pass.')

  await checkout.delete('08', 'reason.ts')
  await terminal.waitFor('exercise/reason.ts does not exist. Press x to reset the exercise.')
  await terminal.press('x')
  await terminal.waitFor('y yes')
  await terminal.press('y')
  await terminal.waitFor('The function is not implemented yet')
  t.equal(
    await checkout.read('08', 'exercise', 'reason.ts'),
    await checkout.read('08', 'exercise', 'reason.ts'),
  )

  // The learner's own files are kept.
  await checkout.save('08', 'reason.ts', `${right}\n// mine\n`)
  await terminal.waitFor('Done: all checks pass.')
  await terminal.press('x')
  await terminal.waitFor('y yes')
  await terminal.press('n')
  await terminal.waitFor('Nothing has been changed.')
  t.match(await checkout.read('08', 'exercise', 'reason.ts'), '// mine')
  await terminal.press('s')
  await terminal.waitFor('y copy it to exercise/')
  await terminal.press('y')
  const kept = await terminal.waitFor(/The solution is now in exercise\/\./)
  const [, backup = ''] = /kept in\s+(\S+)\.\s/.exec(kept.replaceAll(/\s+/g, ' ')) ?? []
  t.match(await checkout.read('08', backup.replace(/.*\/(?=\.backups)/, ''), 'reason.ts'), '// mine')

  await terminal.resize(40, 16)
  await terminal.waitFor('more lines above')
  for (const line of (await terminal.text()).split('\n')) t.ok([...line].length <= 40, 'the line fits')
  await quits(t, terminal)
})

t.test(
  'two learners on one machine, and two terminals of one learner, do not disturb each other',
  async (t) => {
    const [ada, bob] = [new Checkout(t), new Checkout(t)]
    for (const checkout of [ada, bob]) await checkout.setLastChapter('14')
    const terminals = [await ada.learn(t), await ada.learn(t), await bob.learn(t)] as const
    for (const terminal of terminals) await terminal.waitFor('14 · CORS')
    for (const terminal of terminals) await terminal.waitFor(/✗ .*\n/)
    await ada.copyToExercise('14', 'solution', 'app.ts')
    for (const terminal of terminals.slice(0, 2)) await terminal.waitFor(/1 of \d+ chapters done/)
    await bob.copyToExercise('14', 'bad/any-origin', 'app.ts')
    t.match(await terminals[2].waitFor('A page from https://stranger.example'), /0 of \d+ chapters done/)
    await quits(t, terminals[0])
    for (const terminal of terminals.slice(1)) await terminal.close()
    for (const checkout of [ada, bob])
      t.same(await checkout.waitForEnd(), [], 'nothing is left running after the window was closed')
  },
)

t.test('in a terminal without cursor movement, the lines are printed one after the other', async (t) => {
  const checkout = new Checkout(t)
  await checkout.setLastChapter('14')
  const terminal = await checkout.learn(t, '-- --manual', { term: 'dumb' })
  await terminal.waitFor('Stuck? Press h for a hint')
  await checkout.copyToExercise('14', 'solution', 'app.ts')
  await terminal.press('h')
  await terminal.waitFor('Hint 1 of 3')
  await terminal.press('r')
  await terminal.waitFor(/1 of \d+ chapters done/)
  await terminal.press('C-c')
  const text = await terminal.waitFor('exit code 0', { history: true })
  t.equal(text.match(/✗/g)?.length, 1, 'with --manual, a save starts no check')
  t.equal(text.match(/Done: all checks pass/g)?.length, 1, 'r starts one')
})

t.test('without keyboard input, one verdict is printed', async (t) => {
  const checkout = new Checkout(t)
  await checkout.setLastChapter('14')
  const terminal = await checkout.learn(t, '< /dev/null | cat')
  const text = await terminal.waitFor('exit code 0', { history: true })
  t.match(text, /14 · CORS[\s\S]*✗[\s\S]*0 of \d+ done/)
})

t.test('after the last chapter, the learner sees what comes next', async (t) => {
  const checkout = new Checkout(t)
  await checkout.markAllAsPassed()
  const terminal = await checkout.learn(t)
  const text = await terminal.waitFor('All chapters are done.')
  t.match(text, /What comes next:[\s\S]*npm start[\s\S]*(\d+) of \1 chapters done/)
  await quits(t, terminal)
})

t.test('`reset all` puts every changed exercise back, and keeps the changed files', async (t) => {
  const checkout = new Checkout(t)
  const files = [
    ['07', 'token.ts'],
    ['08', 'reason.ts'],
  ] as const
  const originals = await Promise.all(
    files.map(([chapter, file]) => checkout.read(chapter, 'exercise', file)),
  )
  for (const [chapter, file] of files) await checkout.copyToExercise(chapter, 'solution', file)
  const asked = await checkout.learn(t, 'reset all')
  await asked.waitFor('Reset exercise 07?')
  await asked.press('n', 'Enter')
  await asked.waitFor('Reset exercise 08?')
  await asked.press('y', 'Enter')
  await asked.waitFor('exit code 1')
  t.not(await checkout.read('07', 'exercise', 'token.ts'), originals[0])
  t.equal(await checkout.read('08', 'exercise', 'reason.ts'), originals[1])

  const forced = await checkout.learn(t, '-- reset all --yes')
  const text = await forced.waitFor('exit code 0')
  t.match(text, /07[\s\S]*kept in[\s\S]*All other exercises have their original files\./)
  t.equal(await checkout.read('07', 'exercise', 'token.ts'), originals[0])
})
