import type { Program, Step } from './program.ts'
import type { Run } from './run.ts'

/** How often a program must succeed before it counts as one that does not fail: some failures depend on timing. */
const TRIES = 5
const TIMEOUT_MS = 30_000

/** Returns the smallest part of a program that still fails on its own, or undefined if the whole program does not. */
export async function shrink(run: Run, program: Program): Promise<Program | undefined> {
  const fails = async (candidate: Program): Promise<boolean> => {
    for (let tries = 0; tries < TRIES; tries++) if ((await run.runBatch([candidate])).length > 0) return true
    return false
  }
  const deadline = performance.now() + TIMEOUT_MS
  if (!(await fails(program))) return undefined
  let smallest = program
  for (let candidates = smaller(smallest); candidates.length > 0 && performance.now() < deadline; ) {
    const candidate = candidates.shift() as Program
    if (!(await fails(candidate))) continue
    smallest = candidate
    candidates = smaller(smallest)
  }
  return smallest
}

function smaller(program: Program): Program[] {
  const steps = smallerSteps(program.steps).map((steps) => ({ ...program, steps }))
  return program.hook.length > 0 ? [{ ...program, hook: [] }, ...steps] : steps
}

/** Returns the steps without one of them, or with one of them reduced. */
function smallerSteps(steps: readonly Step[]): Step[][] {
  return steps.flatMap((step, at) => {
    const replace = (by: readonly Step[]): Step[] => [...steps.slice(0, at), ...by, ...steps.slice(at + 1)]
    const inner =
      'steps' in step ? smallerSteps(step.steps).map((steps) => replace([{ ...step, steps }])) : []
    return [replace([]), ...inner]
  })
}
