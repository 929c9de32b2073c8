import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { parse } from 'yaml'

/** The parts of a GitHub Actions workflow that the check reads. */
export interface Workflow {
  readonly on?: unknown
  readonly env?: Env
  readonly defaults?: Defaults
  readonly jobs?: Readonly<Record<string, Job>>
}

interface Defaults {
  readonly run?: { readonly shell?: string; readonly 'working-directory'?: string }
}

export interface Job {
  readonly 'runs-on'?: unknown
  readonly needs?: string | readonly string[]
  readonly if?: unknown
  readonly container?: string | { readonly image?: string }
  readonly env?: Env
  readonly services?: Readonly<Record<string, Service>>
  readonly strategy?: { readonly matrix?: Readonly<Record<string, unknown>> }
  readonly defaults?: Defaults
  readonly 'continue-on-error'?: boolean
  readonly steps?: readonly Step[]
}

export interface Step {
  readonly name?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly run?: string
  readonly if?: unknown
  readonly env?: Env
  readonly shell?: string
  readonly 'working-directory'?: string
  readonly 'continue-on-error'?: boolean
}

export interface Service {
  readonly image?: string
  readonly env?: Env
  readonly ports?: readonly (string | number)[]
  readonly options?: string
}

type Env = Readonly<Record<string, unknown>>

export function readWorkflow(text: string): Workflow {
  return parse(text) as Workflow
}

export interface Outcome {
  readonly passed: boolean
  readonly log: string
}

/**
 * Runs a workflow on a commit as GitHub does for a pull request: a fresh folder for each job, and its steps one after the
 * other until one fails. It runs no action but `checkout`, and has no network. In place of services it has programs that
 * behave like those of a Postgres that has just started: `pg_isready`, `psql` and `nc` fail the first time, then succeed.
 */
export async function runWorkflow(workflow: Workflow, commit: string): Promise<Outcome> {
  const passed = new Map<string, boolean>()
  let log = ''
  for (const [name, job] of Object.entries(workflow.jobs ?? {})) {
    log += `job ${name}\n`
    const isWaitingFor = [job.needs ?? []].flat().find((other) => !passed.get(other))
    if (isWaitingFor !== undefined) log += `  skipped, because ${isWaitingFor} has not passed\n`
    const outcome =
      isWaitingFor === undefined && isRun(job.if, true)
        ? await runJob(name, job, workflow, commit)
        : { passed: true, log: '' }
    passed.set(name, outcome.passed || isTrue(job['continue-on-error']))
    log += outcome.log
  }
  return { passed: [...passed.values()].every(Boolean), log }
}

async function runJob(name: string, job: Job, workflow: Workflow, commit: string): Promise<Outcome> {
  const home = await mkdtemp(join(tmpdir(), 'runner-'))
  await mkdir(join(home, 'workspace'))
  await writeFile(join(home, 'env'), '')
  await writeFile(join(home, 'port'), '')
  await addStandIns(join(home, 'bin'))
  let passed = true
  let log = ''
  try {
    for (const step of job.steps ?? []) {
      if (!isRun(step.if, passed)) continue
      const exported = readEnv(await readFile(join(home, 'env'), 'utf8'))
      const env = { ...workflow.env, ...job.env, ...exported, ...step.env, GITHUB_JOB: name }
      const { code, text } = await runStep(
        step,
        { ...workflow.defaults?.run, ...job.defaults?.run },
        job,
        env,
        commit,
        home,
      )
      log += text
      if (code !== 0 && !isTrue(step['continue-on-error'])) passed = false
    }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
  return { passed, log }
}

/** Reads what steps have written to the file `$GITHUB_ENV`. */
const readEnv = (text: string): Env =>
  Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]))

/** Writes programs that a step may wait with. A machine of GitHub has them; this one may not. */
async function addStandIns(folder: string): Promise<void> {
  await mkdir(folder)
  const asked = join(folder, 'asked')
  const programs = {
    ...Object.fromEntries(
      ['pg_isready', 'psql', 'nc'].map((name) => [
        name,
        `[ -e '${asked}' ] && exit 0; : > '${asked}'; exit 2`,
      ]),
    ),
    // Nothing here takes time to start, so nothing has to be waited for.
    sleep: 'exit 0',
  }
  for (const [name, script] of Object.entries(programs))
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

/** Returns true if a step or job with this `if` runs for a pull request, after steps that have `passed` or not. */
function isRun(condition: unknown, passed: boolean): boolean {
  const text = String(condition ?? 'success()')
  if (/^\s*(\$\{\{)?\s*false\b/.test(text)) return false
  if (/github\.event_name\s*==\s*'push'|github\.ref\s*==|github\.ref_name\s*==/.test(text)) return false
  if (/always\(\)|!cancelled\(\)/.test(text)) return true
  return /failure\(\)/.test(text) ? !passed : passed
}

const isTrue = (value: unknown) => /^(\$\{\{)?\s*true\b/.test(String(value))

async function runStep(
  step: Step,
  defaults: NonNullable<Defaults['run']>,
  job: Job,
  env: Env,
  commit: string,
  home: string,
) {
  const workspace = join(home, 'workspace')
  if (step.uses?.startsWith('actions/checkout@')) {
    await cp(commit, join(workspace, String(step.with?.path ?? '.')), { recursive: true })
    return { code: 0, text: `  ${step.uses}: done\n` }
  }
  if (step.run === undefined) return { code: 0, text: `  ${step.uses}: skipped here\n` }

  const expand = expander(job, env)
  const [command = '', ...args] = shellOf(step.shell ?? defaults.shell)
  const folder = step['working-directory'] ?? defaults['working-directory'] ?? '.'
  const cwd = resolve(workspace, folder)
  if (!existsSync(cwd))
    return {
      code: 1,
      text: `  ${step.run.trim()}: the checkout has no folder ${folder} (working-directory)\n`,
    }
  const child = spawn(command, [...args, '-c', withoutNetwork(expand(step.run), home)], {
    cwd,
    env: {
      ...{
        PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH}`,
        HOME: home,
        CI: 'true',
        NO_COLOR: '1',
      },
      ...{ GITHUB_ENV: join(home, 'env'), GITHUB_WORKSPACE: workspace, GITHUB_EVENT_NAME: 'pull_request' },
      ...{ npm_config_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' },
      npm_config_update_notifier: 'false',
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, expand(value)])),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: STEP_TIMEOUT_MS,
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const [code, signal] = await once(child, 'close')
  const end = signal ? `still running after ${STEP_TIMEOUT_MS / 1000} s` : `failed with ${code}`
  // Only what the shell itself says: an unknown command or folder.
  const [, reason] = /^(?:\S*bash|sh): (?:line )?\d+: (.+)$/m.exec(errors) ?? []
  return {
    code: code as number | null,
    text: `  ${step.run.trim()}: ${code === 0 ? 'ok' : `${end}${reason ? ` (${reason})` : ''}`}\n`,
  }
}

/** Lets bash connect to a port of a service, by a file in its place. */
const withoutNetwork = (script: string, home: string) =>
  script.replaceAll(/\/dev\/tcp\/[^/\s]+\/\d+/g, join(home, 'port'))

const STEP_TIMEOUT_MS = 30_000

/** Returns the shell of a step. Without `shell`, GitHub does not set `pipefail`, so a failure inside a pipe is missed. */
function shellOf(shell: string | undefined): string[] {
  if (shell === undefined) return ['bash', '-e']
  if (shell === 'bash') return ['bash', '--noprofile', '--norc', '-eo', 'pipefail']
  if (shell === 'sh') return ['sh', '-e']
  const [, own] = /^((?:bash|sh)\b.*?)\s*\{0\}$/.exec(shell) ?? []
  if (own !== undefined) return own.split(/\s+/)
  throw new Error(`The check cannot run the shell ${shell}. Use bash or sh.`)
}

/** Returns a function that replaces `${{ … }}`: a matrix by its first value, a secret by its name. */
export function expander({ strategy }: Job, env: Env = {}): (value: unknown) => string {
  return (value) =>
    String(value).replaceAll(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
      const [, kind, name = ''] = /^(matrix|env|secrets)\.([\w-]+)$/.exec(expression) ?? []
      if (kind === 'matrix') return String([strategy?.matrix?.[name]].flat()[0] ?? '')
      if (kind === 'env') return String(env[name] ?? '')
      if (kind === 'secrets') return `secret-${name}`
      return /^job\.services\.[\w-]+\.ports\[\D?(\d+)\D?\]$/.exec(expression)?.[1] ?? ''
    })
}
