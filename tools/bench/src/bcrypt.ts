import { availableParallelism } from 'node:os'
import bcrypt from 'bcrypt'

/** Returns how many passwords per second bcrypt compares without the service, one on each core. */
export async function measureBcrypt(seconds: number, cost: number): Promise<number> {
  const hash = await bcrypt.hash('radishes in eggshells', cost)
  const started = performance.now()
  let count = 0
  const one = async () => {
    while (performance.now() - started < seconds * 1_000) {
      await bcrypt.compare('radishes in eggshells', hash)
      count++
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, one))
  return (count / (performance.now() - started)) * 1_000
}
