import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { readChapters } from '@auth-primer/tool-learn'
import t from 'tap'
import { DEMO_PASSWORD } from '../../examples/social-api/src/demo/data.ts'
import { copyCheckout } from '../../test-support/checkout.ts'
import { launch } from '../../test-support/chromium.ts'
import {
  isInstruction,
  isSpeech,
  readSection,
  readSteps,
  refreshTask,
  splitSentences,
} from '../check/lesson.ts'
import { readLinks } from '../check/links.ts'
import { CHECKOUT, type Page, readBlocks, readPage, readPages } from '../check/pages.ts'
import { isPlayable, Player, type Stage } from '../check/player.ts'
import { freePort, startProgram } from '../check/program.ts'

const CLASS = resolve(CHECKOUT, 'docs/class')
/** With `LESSON=04` or `LESSON=04,07`, only these are played, with the commands of the chapters' steps, and with the times. */
const only = process.env.LESSON?.split(',')
/** All lessons take several minutes, so only `npm run test:answers` plays them all. */
const QUICK = ['01', 'README']
const played = only ?? (process.argv.includes('--all-answers') ? undefined : QUICK)

const chapters = await readChapters()
const lessons = chapters.map((chapter) => ({
  chapter,
  path: resolve(CLASS, `${chapter.number}.md`),
  taskPath: resolve(CLASS, `${chapter.number}-task.md`),
}))

for (const { chapter, path, taskPath } of lessons) {
  t.test(`lesson ${chapter.number} has a presenter's page and a students' page`, async (t) => {
    const { text } = await readPage(path)
    t.match(text, `# Lesson ${chapter.number} · ${chapter.title}\n`)
    t.same(readHeadings(text), ['Objectives', 'Plan', 'Show', 'Questions', 'Quiz'])
    const objectives = readSection(text, 'objectives').match(/^- /gm) ?? []
    t.ok(objectives.length >= 2 && objectives.length <= 4, '2 to 4 objectives')
    t.ok(countDetails(readSection(text, 'questions')) >= 2, 'questions with answers')
    const quiz = readSection(text, 'quiz')
    const questions = quiz.match(/^\*\*\d\. .+\*\*$/gm) ?? []
    t.ok(questions.length >= 3 && questions.length <= 5, '3 to 5 questions')
    t.equal(countDetails(quiz), questions.length, 'an answer to each question')

    const [, length = ''] = /^(\d\d) minutes\./m.exec(text) ?? []
    const plan = [...text.matchAll(/^\| (\d+)–(\d+) \| (.+) \|$/gm)]
    t.same(
      plan.map(([, from]) => from),
      ['0', ...plan.slice(0, -1).map(([, , to]) => to)],
      'the plan has no gap',
    )
    t.equal(plan.at(-1)?.[2], length, 'the plan ends with the lesson')
    t.same(
      plan.map(([, , , what = '']) => what.replace(/:.*/, '')),
      ['Start', `Show 1 to ${readSteps(text).length}`, 'Task', 'Questions', 'Quiz'],
    )

    const task = await readPage(taskPath)
    t.match(task.text, `# Task ${chapter.number} · ${chapter.title}\n`)
    t.same(readHeadings(task.text), ['Your task', 'Check it', 'If you are stuck', 'If you are done early'])
    t.equal(await refreshTask(task), task.text, 'the task is the one of the chapter: `npm run docs:refresh`')
    const known = readBlocks(await readFile(resolve(chapter.folder, 'README.md'), 'utf8'))
    for (const { code } of readBlocks(task.text))
      t.ok(
        known.some((block) => block.code === code),
        `the chapter runs it: ${code.trim()}`,
      )
    for (const [, file = ''] of task.text.matchAll(/`(exercise\/[^`]+)`/g))
      t.ok(existsSync(resolve(chapter.folder, file)), file)
  })

  t.test(`each line of lesson ${chapter.number} can be played, or is meant for people`, async (t) => {
    const { text } = await readPage(path)
    for (const sentence of readSteps(text).flat()) t.ok(isPlayable(sentence) || isSpeech(sentence), sentence)
    const rest = text.replace(/\n## Show\n.*?(?=\n## )/s, '')
    t.same(findInstructions(rest), [], 'no instruction that is not played')
  })
}

t.test('a line that cannot be played is found', async (t) => {
  for (const sentence of [
    'Open Swagger UI.',
    'Press Execute.',
    'Run the command.',
    'You see the new message.',
    'Click the third row.',
    'Look at the table.',
    'Open [the log](/docs#/nothing).',
  ])
    t.notOk(isPlayable(sentence) || isSpeech(sentence), sentence)
  t.same(findInstructions('Read this.\n\n- Open `a.b`. You see “c”.\n'), ['Open `a.b`.', 'You see “c”.'])
  t.same(readSteps('## Show\n\n1. Run `a. b`. You see `c`.\n2. Ask: why?\n   (No.)\n\nMore.\n\n## Next\n'), [
    ['Run `a. b`.', 'You see `c`.'],
    ['Ask: why? (No.)'],
  ])
})

const others = (await readPages()).filter(
  ({ name }) => name.startsWith('docs/how-to/') || name === 'docs/class/README.md',
)
const readme = await readPage(resolve(CHECKOUT, 'README.md'))

t.test('every instruction for a browser on the other pages can be played', async (t) => {
  for (const { name, text } of [...others, readme])
    for (const sentence of findInstructions(text).filter((one) => !/^(Run|Set|Copy|Log in)\b/.test(one)))
      t.ok(isPlayable(sentence), `${name}: ${sentence}`)
  const between = readSteps((await readPage(resolve(CLASS, 'README.md'))).text, 'between-the-lessons')
  for (const sentence of between.flat()) t.ok(isPlayable(sentence) || isSpeech(sentence), sentence)
})

/** The address in links to the service. On GitHub it leads there; the guide in the service makes them relative. */
const SERVICE = /^http:\/\/127\.0\.0\.1:3000(\/(docs|guide|xray)?([/#].*)?)?$/

t.test(
  'a link to this machine is one to the service, at the address that the guide makes relative',
  async (t) => {
    for (const { name, text } of await readPages())
      for (const link of readLinks(text))
        if (/^https?:\/\/(127\.|localhost|\[::1|0\.0)/.test(link)) t.match(link, SERVICE, name)
    for (const link of [
      'http://localhost:3000/docs',
      'http://127.0.0.1:8000/',
      'http://127.0.0.1:3000/health',
    ])
      t.notMatch(link, SERVICE)
  },
)

t.test('the running service does what the pages say', async (t) => {
  const checkout = copyCheckout(t)
  const port = await freePort()
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    AUTH_PRIMER_DATA_DIR: resolve(checkout, '.data'),
  }
  const service = await startProgram(['npm', 'run', '--silent', 'dev'], {
    cwd: checkout,
    env: {
      ...env,
      PORT: `${port}`,
      DATABASE_URL: undefined,
      TEST_POSTGRES_URL: undefined,
      NODE_OPTIONS: undefined,
    },
  })
  t.teardown(service.end)
  // Browsers do not treat this host name as local, so to the service and to X-ray it is another machine.
  const browser = await launch('--host-resolver-rules=MAP class.test 127.0.0.1')
  t.teardown(() => browser.close())
  const url = `http://127.0.0.1:${port}`
  const [, key = ''] = await service.waitForOutput(/\/xray\?key=([\w-]+)/, 120_000)
  const xrayUrl = `${url}/xray?key=${key}`
  const log = service.output
  const stage: Stage = {
    browser,
    url,
    xrayUrl,
    log,
    checkout,
    env,
    demoPassword: DEMO_PASSWORD,
    runsSteps: only !== undefined,
  }

  t.test('each link to the service leads to what it names', async (t) => {
    const links = [...new Set((await findServiceLinks()).toSorted())]
    t.ok(links.length > 15)
    const context = await browser.newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    await page.goto(xrayUrl)
    for (const path of new Set(links.map((link) => link.replace(/#.*/, '')))) {
      const response = await page.goto(url + path)
      t.equal(response?.status(), 200, path)
      if (path === '/docs') await page.locator('.opblock').first().waitFor()
      for (const link of links.filter((one) => one.startsWith(`${path}#`))) {
        const [, anchor = ''] = link.split('#')
        const id =
          path === '/docs'
            ? `operations${anchor.replaceAll('/', '-')}`
            : path === '/xray'
              ? `view-${anchor}`
              : anchor
        t.equal(await page.locator(`[id="${id}"]`).count(), 1, link)
      }
      const elsewhere = await page.goto(`http://class.test:${port}${path}`)
      t.equal(elsewhere?.status(), path === '/xray' ? 404 : 200, `${path} from another machine`)
    }
  })

  const plays = [
    ...lessons.map(({ chapter: { number }, path }) => ({ name: number, path, anchor: 'show' })),
    // Last, because this undoes what the lessons changed.
    { name: 'README', path: resolve(CLASS, 'README.md'), anchor: 'between-the-lessons' },
  ]
  for (const { name, path, anchor } of plays) {
    if (played && !played.includes(name)) continue
    t.test(`docs/class/${name}.md: everything goes as the page says`, async (t) => {
      const player = await Player.open(stage)
      t.teardown(() => player.end())
      const began = performance.now()
      const steps = readSteps(await readFile(path, 'utf8'), anchor)
      t.ok(steps.length > 2)
      for (const [index, sentences] of steps.entries()) {
        const start = performance.now()
        for (const sentence of sentences) {
          if (isSpeech(sentence)) continue
          await player.play(sentence)
          t.pass(sentence)
        }
        if (only) t.comment(`step ${index + 1}: ${seconds(performance.now() - start)}`)
      }
      if (only) t.comment(`all steps: ${seconds(performance.now() - began)}`)
    })
  }
})

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function readHeadings(text: string): (string | undefined)[] {
  return [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
}

function countDetails(text: string): number {
  return text.match(/<details>\n<summary>.+<\/summary>\n\n[^<]/g)?.length ?? 0
}

/** Returns the sentences of paragraphs and lists that tell the reader to do, or to expect, something. */
function findInstructions(text: string): string[] {
  return text
    .replaceAll(/^( *)```.*?^\1```$/gms, '')
    .split(/\n\n|\n(?=\s*(?:[-*|#<]|\d+\.) )/)
    .map((part) => part.trim().replace(/^(?:[-*]|\d+\.) /, ''))
    .filter((part) => !/^[|#<]/.test(part))
    .flatMap(splitSentences)
    .filter(isInstruction)
}

/** Returns the links to the service, each from its path on. */
async function findServiceLinks(): Promise<string[]> {
  const links = [...(await readPages()), readme].flatMap(({ text }: Page) => readLinks(text))
  return links.flatMap((link) => (SERVICE.test(link) ? (SERVICE.exec(link)?.[1] ?? '/') : []))
}
