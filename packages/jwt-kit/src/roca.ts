/** The primes whose residues give the keys away. */
export const ROCA_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
] as const

/**
 * Whether an RSA modulus is one of those that Infineon's library made (ROCA, CVE-2017-15361): it is a power of 65537 modulo
 * each small prime, and can be factored. A sound modulus is that by chance about four times in 10⁹.
 */
export function isRoca(modulus: bigint): boolean {
  return ROCA_PRIMES.every((prime) => powersOf65537(prime).has(Number(modulus % BigInt(prime))))
}

function powersOf65537(prime: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * 65_537) % prime) powers.add(power)
  return powers
}
