import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'

/** The parts of a GitHub Actions workflow that the check reads. */
export interface Workflow {
  readonly on?: unknown
  readonly env?: Env
  readonly jobs?: Readonly<Record<string, Job>>
}

export interface Job {
  readonly 'runs-on'?: unknown
  readonly needs?: string | readonly string[]
  readonly container?: unknown
  readonly env?: Env
  readonly services?: Readonly<Record<string, Service>>
  readonly strategy?: { readonly matrix?: Readonly<Record<string, unknown>> }
  readonly defaults?: { readonly run?: { readonly shell?: string; readonly 'working-directory'?: string } }
  readonly 'continue-on-error'?: boolean
  readonly steps?: readonly Step[]
}

export interface Step {
  readonly name?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly run?: string
  readonly if?: string
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
 * Runs a workflow on a commit as GitHub does: a fresh folder for each job, and its steps one after the other until one
 * fails. It runs no action but `checkout`, and has no services and no network.
 */
export async function runWorkflow({ env, jobs = {} }: Workflow, commit: string): Promise<Outcome> {
  const passed = new Map<string, boolean>()
  let log = ''
  for (const [name, job] of Object.entries(jobs)) {
    log += `job ${name}\n`
    const isWaitingFor = [job.needs ?? []].flat().find((other) => !passed.get(other))
    if (isWaitingFor !== undefined) log += `  skipped, because ${isWaitingFor} has not passed\n`
    const outcome = isWaitingFor === undefined ? await runJob(job, env, commit) : { passed: true, log: '' }
    passed.set(name, outcome.passed || job['continue-on-error'] === true)
    log += outcome.log
  }
  return { passed: [...passed.values()].every(Boolean), log }
}

async function runJob(job: Job, env: Env | undefined, commit: string): Promise<Outcome> {
  const home = await mkdtemp(join(tmpdir(), 'runner-'))
  const workspace = join(home, 'workspace')
  await mkdir(workspace)
  let passed = true
  let log = ''
  try {
    for (const step of job.steps ?? []) {
      if (!isRun(step, passed)) continue
      const { code, text } = await runStep(step, job, { ...env, ...job.env, ...step.env }, commit, home)
      log += text
      if (code !== 0 && step['continue-on-error'] !== true) passed = false
    }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
  return { passed, log }
}

function isRun({ if: condition = 'success()' }: Step, passed: boolean): boolean {
  if (/always\(\)|!cancelled\(\)/.test(condition)) return true
  return /failure\(\)/.test(condition) ? !passed : passed
}

async function runStep(step: Step, job: Job, env: Env, commit: string, home: string) {
  const workspace = join(home, 'workspace')
  if (step.uses?.startsWith('actions/checkout@')) {
    await cp(commit, workspace, { recursive: true })
    return { code: 0, text: `  ${step.uses}: done\n` }
  }
  if (step.run === undefined) return { code: 0, text: `  ${step.uses}: skipped here\n` }

  const expand = expander(job, env)
  const [command = '', ...args] = shellOf(step.shell ?? job.defaults?.run?.shell)
  const folder = step['working-directory'] ?? job.defaults?.run?.['working-directory'] ?? '.'
  const cwd = resolve(workspace, folder)
  if (!existsSync(cwd))
    return {
      code: 1,
      text: `  ${step.run.trim()}: the checkout has no folder ${folder} (working-directory)\n`,
    }
  const child = spawn(command, [...args, '-c', expand(step.run)], {
    cwd,
    env: {
      ...{ PATH: process.env.PATH, HOME: home, CI: 'true', NO_COLOR: '1' },
      ...{ npm_config_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' },
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, expand(value)])),
    },
    stdio: 'ignore',
    timeout: 30_000,
  })
  const [code] = await once(child, 'close')
  return { code, text: `  ${step.run.trim()}: ${code === 0 ? 'ok' : `failed with ${code}`}\n` }
}

/** Returns the shell of a step. Without `shell`, GitHub does not set `pipefail`, so a failure inside a pipe is missed. */
function shellOf(shell: string | undefined): string[] {
  if (shell === undefined) return ['bash', '-e']
  if (shell === 'bash') return ['bash', '--noprofile', '--norc', '-eo', 'pipefail']
  if (shell === 'sh') return ['sh', '-e']
  throw new Error(`The check cannot run the shell ${shell}. Use bash or sh.`)
}

/** Returns a function that replaces `${{ … }}`: a matrix by its first value, a secret by nothing. */
export function expander({ strategy }: Job, env: Env = {}): (value: unknown) => string {
  return (value) =>
    String(value).replaceAll(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
      const [, kind, name = ''] = /^(matrix|env)\.([\w-]+)$/.exec(expression) ?? []
      if (kind === 'matrix') return String([strategy?.matrix?.[name]].flat()[0] ?? '')
      if (kind === 'env') return String(env[name] ?? '')
      return /^job\.services\.[\w-]+\.ports\[\D?(\d+)\D?\]$/.exec(expression)?.[1] ?? ''
    })
}
