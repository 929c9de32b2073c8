import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/** The costs that bcrypt computed while `run` ran, in their order: work is counted here, never timed. */
export async function costsOf(run: () => Promise<unknown>): Promise<number[]> {
  const costs: number[] = []
  const count = (message: unknown) => {
    costs.push((message as { cost: number }).cost)
  }
  subscribe('auth-primer:auth-hash:compute', count)
  try {
    await run()
  } finally {
    unsubscribe('auth-primer:auth-hash:compute', count)
  }
  return costs
}

/** The rounds that bcrypt went through while `run` ran. */
export async function roundsOf(run: () => Promise<unknown>): Promise<number> {
  const costs = await costsOf(run)
  return costs.reduce((sum, cost) => sum + 2 ** cost, 0)
}
